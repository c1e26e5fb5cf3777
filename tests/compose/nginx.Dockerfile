FROM debian:trixie-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends nginx openssl \
    && rm -rf /var/lib/apt/lists/* /etc/nginx/sites-enabled/default \
    && install -d /etc/ssl/farebox \
    && openssl req -quiet -x509 -newkey rsa:2048 -noenc -days 2 -subj /CN=farebox.example.org \
        -addext subjectAltName=DNS:farebox.example.org,DNS:pages.farebox.example.org \
        -keyout /etc/ssl/farebox/privkey.pem -out /etc/ssl/farebox/fullchain.pem
CMD ["nginx", "-g", "daemon off;"]
