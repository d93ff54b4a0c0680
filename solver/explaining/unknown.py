"""Packages that no index knows, all at once, each with a name that may have been meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches

from satlock.corpora.facts import Corpus, CorpusError, Listing

__all__ = ["unknown_names"]

_ALIKE = 0.75
_COMMON = """
aiobotocore aiofiles aiohttp aiosqlite alembic altair annotated-types anthropic anyio apache-airflow apscheduler
argcomplete arrow asgiref asyncpg attrs azure-identity azure-storage-blob babel bcrypt beautifulsoup4 black bokeh
boto3 botocore build cachetools celery certifi cffi charset-normalizer click cloudpickle colorama coverage
cryptography cython dash dask databricks-sdk datasets diskcache django django-filter djangorestframework docker
docutils duckdb einops elasticsearch email-validator execnet faiss-cpu fastapi fastparquet filelock flake8 flask
flask-sqlalchemy fonttools fsspec gensim geopandas gevent gitpython google-api-python-client google-auth
google-cloud-bigquery google-cloud-storage gradio greenlet grpcio gunicorn h5py hatchling httpcore httptools httpx
huggingface-hub hypothesis idna imageio importlib-metadata iniconfig ipykernel ipython isort jax jaxlib jinja2
jmespath joblib jsonschema jupyter jupyterlab kafka-python keras keyring kubernetes langchain lightgbm lightning
llvmlite loguru lxml markdown markupsafe marshmallow matplotlib mccabe mkdocs mkdocs-material mlflow more-itertools
moto msgpack multidict mypy mysqlclient nbconvert networkx nltk notebook numba numpy onnx onnxruntime openai
opencv-python openpyxl orjson packaging pandas paramiko pathspec peft pillow pip pip-tools platformdirs playwright
plotly pluggy polars pre-commit prometheus-client protobuf psutil psycopg psycopg2 psycopg2-binary pyarrow pycparser
pydantic pydantic-core pydantic-settings pygments pyjwt pylint pymongo pymysql pynacl pyopenssl pyparsing pypdf
pyproject-hooks pyright pyspark pytest pytest-asyncio pytest-cov pytest-mock pytest-xdist python-dateutil
python-dotenv python-multipart pytorch-lightning pytz pyyaml pyzmq rapidfuzz ray redis referencing regex requests
requests-oauthlib rich rpds-py rsa ruff s3fs s3transfer safetensors scikit-image scikit-learn scipy scrapy seaborn
selenium sentence-transformers sentencepiece sentry-sdk setuptools shapely simplejson six sniffio
snowflake-connector-python soupsieve spacy sphinx sqlalchemy sqlmodel starlette statsmodels streamlit structlog
sympy tabulate tenacity tensorboard tensorflow textual threadpoolctl tiktoken timm tokenizers tomli tomlkit torch
torchaudio torchmetrics torchvision tornado tox tqdm transformers triton twine typer types-requests
typing-extensions tzdata ujson urllib3 uvicorn uvloop virtualenv wandb watchfiles websocket-client websockets
werkzeug wheel wrapt xarray xgboost yarl zipp zstandard
"""
"""Names that people often mean; one is only told if an index has it."""


def unknown_names(
    names: Iterable[str],
    searched: Mapping[str, Sequence[str]],
    found: Mapping[tuple[str, str], Listing],
    known: Collection[str],
    corpus: Corpus,
) -> list[tuple[str, str]]:
    """Of these names those that no index has that was asked, each with what was meant; empty if nothing is near.

    Args:
        searched: the indexes that were asked for each name.
        found: the listings that they had.
        known: names that are named anyway.
    """
    missing = [
        name
        for name in dict.fromkeys(names)
        if searched.get(name) and not any((index, name) in found for index in searched[name])
    ]
    return [(name, _meant(name, searched[name], set(known) - set(missing), corpus)) for name in missing]


def _meant(name: str, indexes: Sequence[str], known: Collection[str], corpus: Corpus) -> str:
    near = get_close_matches(name, sorted(known), n=1, cutoff=_ALIKE)
    if near:
        return near[0]
    near = get_close_matches(name, _COMMON.split(), n=2, cutoff=_ALIKE)
    try:
        listed = corpus.listings([(index, one) for index in dict.fromkeys(indexes) for one in near])
    except CorpusError:
        return ""
    return next((one for one in near if any(listed.get((index, one)) is not None for index in indexes)), "")
