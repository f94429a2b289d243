"""The weekly summary as e-mail: the message, and the server it is handed to."""
