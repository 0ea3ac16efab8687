"""TorchServe's own environment variables: which of them may be set, and which would change who may do what.

With `enable_envvars_config` TorchServe 0.12 takes each `TS_` name that its `ConfigManager` has for a line of
`config.properties`, and `TS_CONFIG_FILE` for another file in the place of all of it, `allowed_urls` included.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from launch.errors import LaunchError
from system.environment import WORKERS_DEVICES

# TorchServe's variable -> the launcher's, which also tells the page and the readiness checks.
OWN_KEYS = {
    "TS_INFERENCE_ADDRESS": "INFERENCE_PORT=<port>",
    "TS_MANAGEMENT_ADDRESS": "MANAGEMENT_PORT=<port>",
    "TS_METRICS_ADDRESS": "METRICS_PORT=<port>",
    "TS_GRPC_INFERENCE_PORT": "GRPC_INFERENCE_PORT=<port>",
    "TS_GRPC_MANAGEMENT_PORT": "GRPC_MANAGEMENT_PORT=<port>",
}
# What only tunes: sizes, times, numbers. All others are left to the file.
TUNING = (
    "TS_ASYNC_LOGGING", "TS_DEFAULT_RESPONSE_TIMEOUT", "TS_DEFAULT_STARTUP_TIMEOUT",
    "TS_DEFAULT_WORKERS_PER_MODEL", "TS_DISABLE_SYSTEM_METRICS", "TS_INITIAL_WORKER_PORT",
    "TS_JOB_QUEUE_SIZE", "TS_MAX_REQUEST_SIZE", "TS_MAX_RESPONSE_SIZE", "TS_METRICS_MODE",
    "TS_NETTY_CLIENT_THREADS", "TS_NUMBER_OF_GPU", "TS_NUMBER_OF_NETTY_THREADS",
    "TS_PREFER_DIRECT_BUFFER", "TS_UNREGISTER_MODEL_TIMEOUT",
)  # fmt: skip
# For handlers that compute on a GPU.
DEVICES = "CUDA_VISIBLE_DEVICES"
# What else TorchServe reads. A `TS_` name of another program, such as TS_NODE_PROJECT, is left alone.
OTHERS = (
    "TS_ALLOWED_URLS", "TS_BLACKLIST_ENV_VARS", "TS_CONFIG_FILE", "TS_CORS_ALLOWED_HEADERS",
    "TS_CORS_ALLOWED_METHODS", "TS_CORS_ALLOWED_ORIGIN", "TS_CPP_LOG_CONFIG", "TS_CPU_LAUNCHER_ARGS",
    "TS_CPU_LAUNCHER_ENABLE", "TS_DEBUG", "TS_DECODE_INPUT_REQUEST", "TS_DEFAULT_SERVICE_HANDLER",
    "TS_ENABLE_GRPC_SSL", "TS_ENABLE_METRICS_API", "TS_ENABLE_MODEL_API", "TS_GRPC_INFERENCE_ADDRESS",
    "TS_GRPC_INFERENCE_MAX_CONNECTION_AGE_GRACE_MS", "TS_GRPC_INFERENCE_MAX_CONNECTION_AGE_MS",
    "TS_GRPC_MANAGEMENT_ADDRESS", "TS_GRPC_MANAGEMENT_MAX_CONNECTION_AGE_GRACE_MS",
    "TS_GRPC_MANAGEMENT_MAX_CONNECTION_AGE_MS", "TS_HEADER_KEY_SEQUENCE_END", "TS_HEADER_KEY_SEQUENCE_ID",
    "TS_HEADER_KEY_SEQUENCE_START", "TS_INITIAL_DISTRIBUTION_PORT", "TS_INSTALL_PY_DEP_PER_MODEL",
    "TS_IPEX_ENABLE", "TS_IPEX_GPU_ENABLE", "TS_LIMIT_MAX_IMAGE_PIXELS", "TS_LOAD_MODELS",
    "TS_METRICS_CONFIG", "TS_MODEL_METRICS_AUTO_DETECT", "TS_MODEL_SERVER_HOME", "TS_MODEL_STORE",
    "TS_OPEN_INFERENCE_PROTOCOL", "TS_SERVICE_ENVELOPE", "TS_TOKEN_EXPIRATION_TIME_MIN",
    "TS_WORKFLOW_STORE",
)  # fmt: skip
# Behind the guard it has no use for certificates.
TLS = (
    "TS_CERTIFICATE_FILE", "TS_KEYSTORE", "TS_KEYSTORE_PASS", "TS_KEYSTORE_TYPE", "TS_PRIVATE_KEY_FILE",
)  # fmt: skip
# TorchServe's variable -> what to do instead.
REFUSED = {
    **dict.fromkeys(TLS, "the proxy handles TLS (docs/proxy.md)"),
    "TS_DISABLE_TOKEN_AUTHORIZATION": "the guard checks tokens and keys (docs/keys.md)",
    **dict.fromkeys(OTHERS, "change the setting in config.properties instead"),
}


def refuse_torchserve_variables(environ: Mapping[str, str]) -> None:
    """Check that no variable says what only `config.properties`, or the launcher's own, may say.

    Raises:
        LaunchError: names the first that does, and what to do instead.
    """
    for key in (key for key in environ if key in OWN_KEYS or key in REFUSED):
        if key in OWN_KEYS:
            raise LaunchError(
                f"{key} is {environ[key]!r}, expected to be unset: the guard, the page and the checks would "
                "not find TorchServe there",
                f"unset {key}; {OWN_KEYS[key]} moves it for all of them",
            )
        raise LaunchError(
            f"{key} is {environ[key]!r}, expected to be unset: only config.properties says what TorchServe "
            "loads and whom it answers",
            f"unset {key}; {REFUSED[key]}",
        )


def devices(environ: Mapping[str, str]) -> dict[str, str]:
    """Return CUDA_VISIBLE_DEVICES for TorchServe and its workers, by the name that both can use it by.

    TorchServe takes it for numbers, and does not start with others. Slurm writes NoDevFiles, and who has a
    part of a GPU (MIG) has its UUID: workers alone get such a value, from `system/in_workers`.
    """
    value = environ.get(DEVICES)
    if value is None:
        return {}
    return {DEVICES if re.fullmatch(r"(\d{1,9}(,\d{1,9})*)?", value) else WORKERS_DEVICES: value}
