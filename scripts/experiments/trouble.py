"""What ends the script."""


class Trouble(Exception):
    """Told in one line; the script ends with its exit code."""

    def __init__(self, message, code=70):
        super().__init__(message)
        self.code = code
