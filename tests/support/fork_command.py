"""The command ``rowkeep`` for tests of shells: it runs in a fork (see ``forks.py``) with the streams,
directory and variables of this process, which passes signals on to it and ends as it does.

It is a script of its own that imports only what is a part of the interpreter: ``socket``, ``signal`` and
``json`` take longer to import than all the rest takes. Its first argument is the address of the process that
forks.
"""

import _signal
import _socket
import marshal
import os
import sys

LENGTH_BYTES = 8
NUMBER_BYTES = 4
PASSED_ON = (_signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP)

_, address, *arguments = sys.argv
job = {
    "program": "rowkeep",
    "arguments": arguments,
    "env": dict(os.environ),
    "cwd": os.getcwd(),
    "new_session": False,
    "umask": None,
}
message = marshal.dumps(job)
streams = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
connection = _socket.socket(_socket.AF_UNIX)
connection.connect(address)
_signal.pthread_sigmask(_signal.SIG_BLOCK, PASSED_ON)
connection.sendmsg(
    [len(message).to_bytes(LENGTH_BYTES, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)]
)
connection.sendall(message)
pid = int.from_bytes(connection.recv(NUMBER_BYTES), "big")
for number in PASSED_ON:
    _signal.signal(number, lambda number, _: os.kill(pid, number))
_signal.pthread_sigmask(_signal.SIG_UNBLOCK, PASSED_ON)
status = os.waitstatus_to_exitcode(int.from_bytes(connection.recv(NUMBER_BYTES), "big"))
if status < 0:
    _signal.signal(-status, _signal.SIG_DFL)
    os.kill(os.getpid(), -status)
os._exit(status)
