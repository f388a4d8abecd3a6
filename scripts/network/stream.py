"""One end of a connection that sends as much as it can in both directions; prints the bytes a second that came in.

stream.py wait ADDRESS on one machine, stream.py call ADDRESS on the other.
"""

import socket
import sys
import threading
import time

PORT, SECONDS = 29501, 1.0


def connect(part, address):
    if part == "wait":
        with socket.create_server((address, PORT)) as server:
            server.settimeout(10)
            return server.accept()[0]
    deadline = time.monotonic() + 10
    while True:
        try:
            return socket.create_connection((address, PORT), timeout=10)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def send(connection):
    block, end = bytes(1 << 18), time.monotonic() + SECONDS
    while time.monotonic() < end:
        connection.sendall(block)
    connection.shutdown(socket.SHUT_WR)


def main():
    connection = connect(*sys.argv[1:])
    sender = threading.Thread(target=send, args=(connection,))
    sender.start()
    start, count = time.monotonic(), 0
    while block := connection.recv(1 << 18):
        count += len(block)
    print(count / (time.monotonic() - start))
    sender.join()


if __name__ == "__main__":
    main()
