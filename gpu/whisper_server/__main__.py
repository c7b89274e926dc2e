"""`python -m whisper_server`: the same as the command `whisper-server`."""

from whisper_server.main import main

main()
