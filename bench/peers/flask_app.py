"""Flask under gunicorn: one request at a time in each of its processes."""

import os
from pathlib import Path

from flask import Flask, Response, request

from bench.served_archive import FOLDER_VARIABLE, answers, load_handler

# mypy: disable-error-code="import-not-found"


def app() -> Flask:
    """Return the application; gunicorn calls this once in each worker."""
    handler = load_handler(Path(os.environ[FOLDER_VARIABLE]))
    served = Flask(__name__)

    @served.post("/predict")
    def predict() -> Response:
        status, body = answers(handler, [request.get_data()])[0]
        return Response(body, status, mimetype="application/json")

    return served
