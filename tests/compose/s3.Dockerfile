FROM python:3.12-slim
WORKDIR /build
COPY requirements.txt requirements-dev.txt ./
RUN awk '/^[a-z]/ { wanted = /^uv==/ } wanted' requirements.txt >uv.txt \
    && pip install --quiet --no-cache-dir --require-hashes -r uv.txt
RUN --mount=type=cache,target=/root/.cache/uv \
    echo 'moto[s3,server]' >s3.in \
    && uv pip compile --quiet --constraint requirements.txt --constraint requirements-dev.txt s3.in --output-file needed.txt \
    && uv pip install --quiet --system --link-mode copy \
        --no-deps --only-binary :all: --require-hashes --constraint requirements.txt --constraint requirements-dev.txt \
        -r needed.txt
USER nobody
STOPSIGNAL SIGINT
ENTRYPOINT ["sh", "-c", "exec moto_server --host 0.0.0.0 --port 9000"]
