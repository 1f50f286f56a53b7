/** Dropped files: those that were dropped, and those of dropped folders that can be imported. */

/** No more are taken of a folder. */
const MOST_FILES = 100;

/** Must be called before the event ends: browsers forget then what was dropped. */
export async function droppedFiles(dropped: DataTransfer, suffixes: readonly string[]): Promise<File[]> {
  const entries = [...dropped.items].map((item) => item.webkitGetAsEntry());
  const files = [...dropped.files];
  if (!entries.some((entry) => entry?.isDirectory)) return files;
  const found = await Promise.all(
    entries.map((entry, at) =>
      entry?.isDirectory
        ? filesOf(entry as FileSystemDirectoryEntry, suffixes)
        : Promise.resolve(files.slice(at, at + 1)),
    ),
  );
  return found.flat();
}

async function filesOf(folder: FileSystemDirectoryEntry, suffixes: readonly string[]): Promise<File[]> {
  const reader = folder.createReader();
  const found: FileSystemFileEntry[] = [];
  for (;;) {
    // a browser gives some of them at a time
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0 || found.length >= MOST_FILES) break;
    found.push(
      ...some.filter(
        (entry): entry is FileSystemFileEntry =>
          entry.isFile && suffixes.some((suffix) => entry.name.toLowerCase().endsWith(suffix)),
      ),
    );
  }
  found.sort((one, other) => one.name.localeCompare(other.name));
  return Promise.all(
    found
      .slice(0, MOST_FILES)
      .map((entry) => new Promise<File>((resolve, reject) => entry.file(resolve, reject))),
  );
}
