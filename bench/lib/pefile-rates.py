"""Reads each file named on standard input with pefile: digests, imports, imphash, authentihash.

Arguments: `least` (fast_load and the import directory alone) or `default` (pefile.PE as it comes),
and the number of processes. Prints the seconds that all files took, without starting processes, and
the seconds of processor time in them, with a space between.
"""
import hashlib
import multiprocessing
import sys
import time

import pefile

IMPORTS = [pefile.DIRECTORY_ENTRY['IMAGE_DIRECTORY_ENTRY_IMPORT']]


def authentihash(pe):
    data = pe.__data__
    checksum = pe.OPTIONAL_HEADER.get_file_offset() + 64
    directory = pe.OPTIONAL_HEADER.DATA_DIRECTORY[4]
    entry = directory.get_file_offset()
    end = directory.VirtualAddress or len(data)
    digest = hashlib.sha256()
    digest.update(data[:checksum])
    digest.update(data[checksum + 4:entry])
    digest.update(data[entry + 8:end])
    digest.update(data[end + directory.Size:])
    return digest.hexdigest()


def read(path, is_least):
    with open(path, 'rb') as file:
        data = file.read()
    digests = [hashlib.new(name, data).hexdigest() for name in ('md5', 'sha1', 'sha256')]
    pe = pefile.PE(data=data, fast_load=is_least)
    if is_least:
        pe.parse_data_directories(directories=IMPORTS)
    modules = getattr(pe, 'DIRECTORY_ENTRY_IMPORT', [])
    names = [entry.name for module in modules for entry in module.imports]
    return digests, names, pe.get_imphash(), authentihash(pe)


def read_all(task):
    """The results stay in the process, as they do on the other side; only the time goes back."""
    paths, is_least = task
    start = time.process_time()
    for path in paths:
        read(path, is_least)
    return time.process_time() - start


if __name__ == '__main__':
    mode, count = sys.argv[1], int(sys.argv[2])
    paths = sys.stdin.read().splitlines()
    shares = [(paths[index::count], mode == 'least') for index in range(count)]
    with multiprocessing.Pool(count) as pool:
        pool.map(read_all, [(share[:20], is_least) for share, is_least in shares], chunksize=1)
        begin = time.perf_counter()
        used = sum(pool.map(read_all, shares, chunksize=1))
        print(time.perf_counter() - begin, used)
