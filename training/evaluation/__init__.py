"""The report: what is sent to the server, what came back, and the page that shows it."""
