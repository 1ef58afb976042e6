"""Takes the messages that a service sends to systemd: a socket of datagrams, which Node does not have. Prints one line for each."""
import os
import socket
import sys

path = sys.argv[1]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(path)
os.chmod(path, 0o777)
print("listening", flush=True)
while True:
    # systemd-notify passes a descriptor along and waits until it is closed, which happens here because nobody takes it.
    for line in listener.recv(65536).decode().splitlines():
        print(line, flush=True)
