"""The command ``rowkeep`` for tests of shells: it runs in a fork (see ``forks.py``) with the streams,
directory and variables of this process, which passes signals on to it and ends as it does.

It is a script of its own that imports next to nothing. Its first argument is the address of the process that
forks.
"""

import json
import os
import signal
import socket
import sys

LENGTH_BYTES = 8
NUMBER_BYTES = 4
PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_, address, *arguments = sys.argv
job = {
    "program": "rowkeep",
    "arguments": arguments,
    "env": dict(os.environ),
    "cwd": os.getcwd(),
    "new_session": False,
    "umask": None,
}
message = json.dumps(job).encode()
connection = socket.socket(socket.AF_UNIX)
connection.connect(address)
signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
socket.send_fds(connection, [len(message).to_bytes(LENGTH_BYTES, "big")], [0, 1, 2])
connection.sendall(message)
pid = int.from_bytes(connection.recv(NUMBER_BYTES), "big")
for number in PASSED_ON:
    signal.signal(number, lambda number, _: os.kill(pid, number))
signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
status = os.waitstatus_to_exitcode(int.from_bytes(connection.recv(NUMBER_BYTES), "big"))
if status < 0:
    signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
os._exit(status)
