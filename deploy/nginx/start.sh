#!/bin/sh
# Checks the environment, renders this folder's configuration into $NGINX_RUN, and becomes nginx. docs/proxy.md explains
# each variable.
#   start.sh check                   ends after nginx has tested what was rendered
#   start.sh move [PAGES SERVER...]  in the running container: renders anew and lets nginx reload, which loses no request;
#                                    with these as the pages (with commas between them) and TorchServe's containers
#                                    (host:port each), or again with what PAGE and TORCHSERVE name
set -eu

value='' file=''
: "${NGINX_RUN:=/tmp/nginx}" "${MODEL:=digits}" "${TORCHSERVE:=torchserve:8080}" "${PAGE:=ui:7860}" "${UI_ROOT_PATH:=}"
: "${GRAFANA:=grafana:3000}" "${RESOLVER:=127.0.0.11}" "${LISTEN_ADDRESS:=0.0.0.0}"
: "${HTTP_PORT:=8080}" "${HTTPS_PORT:=8443}" "${INTERNAL_PORT:=8090}" "${STATUS_PORT:=8091}" "${GRAFANA_PORT:=8092}"
: "${PUBLISH:=}" "${PUBLISHED_AT:=}" "${PUBLISHED_HTTPS_PORT:=443}" "${PREDICT_RATE:=50}" "${PREDICT_CONNECTIONS:=64}"
: "${TLS_CERTIFICATE:=/run/secrets/tls_certificate}" "${TLS_KEY:=/run/secrets/tls_key}" "${ACME_ROOT:=/srv/acme}"

templates=$(cd "$(dirname "$0")" && pwd)

fail() {
    echo "start.sh: $*" >&2
    exit 2
}

# expect KEY PATTERN WORDS: the value fits the whole pattern. What fits none of these could not be put into a file by sed.
expect() {
    eval "value=\$$1"
    # grep judges line by line.
    one_line=$(printf '%s' "$value" | tr -d '[:cntrl:]')
    if [ "$one_line" != "$value" ] || ! printf '%s\n' "$value" | LC_ALL=C grep -Eqx "$2"; then
        fail "$1='$one_line': expected $3"
    fi
}

# expect_number KEY LEAST MOST WORDS
expect_number() {
    expect "$1" '[1-9][0-9]{0,5}' "$4"
    if [ "$value" -lt "$2" ] || [ "$value" -gt "$3" ]; then
        fail "$1='$value': expected $4"
    fi
}

folder='(/[A-Za-z0-9._-]+)+'
target='[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?:[0-9]{1,5}'
expect NGINX_RUN "$folder" 'a folder that can be written, such as /tmp/nginx'
expect MODEL '[A-Za-z0-9][A-Za-z0-9._-]*(/[0-9][0-9.]*)?' 'the name of a served model, such as digits or digits/1.0.0'
expect TORCHSERVE "$target" 'a name or IPv4 address with a port, such as torchserve:8080'
expect PAGE "$target(,$target)*" 'names or IPv4 addresses with ports and commas between them, such as ui:7860'
expect GRAFANA "$target" 'a name or IPv4 address with a port, such as grafana:3000'
expect UI_ROOT_PATH '((/[A-Za-z0-9_-]+)+)?' 'nothing, or a path without a slash at its end, such as /sketch'
expect RESOLVER '[0-9]{1,3}(\.[0-9]{1,3}){3}(:[0-9]{1,5})?' "the IPv4 address of a DNS server, such as Docker's 127.0.0.11"
expect LISTEN_ADDRESS '[0-9]{1,3}(\.[0-9]{1,3}){3}' 'an IPv4 address to listen on, such as 0.0.0.0'
expect PUBLISH '[0-9A-Fa-f.:]*|\[[0-9A-Fa-f.:]+\]' 'nothing, or an address, such as 127.0.0.1 or [::1]'
expect PUBLISHED_AT '[][A-Za-z0-9._:%-]*' 'nothing, or a name or address, such as sketch.example or [::1]'
expect TLS_CERTIFICATE "$folder" "a file's absolute path"
expect TLS_KEY "$folder" "a file's absolute path"
expect ACME_ROOT "$folder" "a folder's absolute path"
ports=' '
for key in HTTP_PORT HTTPS_PORT INTERNAL_PORT STATUS_PORT GRAFANA_PORT; do
    expect_number $key 1024 65535 'a port, 1024 to 65535'
    case $ports in
    *" $value "*) fail "$key='$value': expected a port that no other of HTTP_PORT, HTTPS_PORT, INTERNAL_PORT, STATUS_PORT, GRAFANA_PORT has" ;;
    esac
    ports="$ports$value "
done
expect_number PUBLISHED_HTTPS_PORT 1 65535 'a port, 1 to 65535'
expect_number PREDICT_RATE 1 100000 'requests a second, 1 to 100000'
expect_number PREDICT_CONNECTIONS 1 60000 'requests at once, 1 to 60000'
case $UI_ROOT_PATH in
/predict | /explain | /health | /errors | /predict/* | /explain/* | /errors/*)
    fail "UI_ROOT_PATH='$UI_ROOT_PATH': expected a path that does not belong to the API, such as /sketch" ;;
esac

mkdir -p "$NGINX_RUN" 2>/dev/null || true
if ! [ -d "$NGINX_RUN" ] || ! [ -w "$NGINX_RUN" ]; then
    fail "NGINX_RUN='$NGINX_RUN': expected a folder that can be written; mount a tmpfs there"
fi

# write_targets PAGES [SERVER...]: in a file of its own, so that a deployment can move the proxy to other containers. With
# these as TorchServe's, or with what TORCHSERVE names.
write_targets() {
    page=$1 torchserve=$TORCHSERVE pages=$1
    shift
    [ "$#" -gt 0 ] || set -- "$TORCHSERVE"
    # A name that an older one looks up for itself is looked up once, at its start.
    if is_kept "$pages"; then page=pages; fi
    case $page in *,*) fail "PAGE='$page': expected one name, or addresses: nginx before 1.27.3 takes only one name" ;; esac
    if is_kept "$1"; then torchserve=kept; fi
    {
        printf 'map "" $%s {\n    default %s;\n}\n' page_target "$page" grafana_target "$GRAFANA" torchserve_target "$torchserve"
        if [ "$page" = pages ]; then
            # Who came to a page comes to it again, as long as it is there. Several that are told apart are found by their
            # names, whichever proxy asks; a name's addresses have none of their own.
            case $pages in *,*) method='hash $page_key consistent' ;; *) method='hash $page_key' ;; esac
            printf 'upstream pages {\n    zone pages 256k;\n    %s;\n' "$method"
            for server in $(echo "$pages" | tr , ' '); do
                echo "    server $server max_fails=1 fail_timeout=2s$(resolve "$server");"
            done
            echo '}'
        fi
        if [ "$torchserve" = kept ]; then
            # After a failure none is left out, as none is of a name's addresses otherwise.
            printf 'upstream kept {\n    zone kept 256k;\n    keepalive 64;\n'
            for server in "$@"; do echo "    server $server max_fails=0$(resolve "$server");"; done
            echo '}'
        fi
    } >"$NGINX_RUN/targets.conf"
}

# resolve SERVER: what keeps a name's addresses up to date.
resolve() {
    case $1 in
    *[!0-9.:]*) printf ' resolve' ;;
    esac
}

# is_kept SERVERS: whether nginx can do more with these than ask one of a name's addresses, by turns.
is_kept() {
    case $1 in
    *[!0-9.:,]*) at_least 1.27.3 ;;
    esac
}

# is_loopback HOST: as system/ports.py has it, and a test compares the two.
is_loopback() {
    v4='127(\.[0-9]{1,3}){3}'
    printf '%s\n' "$1" | LC_ALL=C grep -Eiqx \
        "localhost|\[?($v4|[0:]*:(0*1|ffff:($v4|7f[0-9a-f]{2}:[0-9a-f]{1,4})))(%[^]]*)?\]?"
}

# write_near: who is here. This machine's programs come from its end of the container's networks; but engines before
# Docker 28 pass on to the container what another host sends to its address.
write_near() {
    # 192.168.65.0/24: so Docker Desktop calls the machine that it runs on.
    printf 'allow 127.0.0.0/8;\nallow 192.168.65.0/24;\n'
    # The networks of the container itself, in hexadecimal and, as all of Docker's machines are little-endian, backwards.
    while read -r _ network gateway _ _ _ _ mask _; do
        if [ "$gateway" = 00000000 ] && [ "$network" != 00000000 ]; then
            backwards=$(echo "$network" | sed 's/\(..\)\(..\)\(..\)\(..\)/0x\4 0x\3 0x\2 0x\1/')
            left=$((0x$mask)) bits=0
            while [ "$left" -gt 0 ]; do bits=$((bits + (left & 1))) left=$((left >> 1)); done
            # shellcheck disable=SC2086 # four numbers
            printf "allow %d.%d.%d.%d/$bits;\n" $backwards
        fi
    done </proc/net/route
    echo 'deny all;'
}

# An empty file is none: compose cannot leave a secret out.
is_file() {
    [ -f "$1" ] && [ -s "$1" ]
}

# The port on which the page is: with a certificate, what came without encryption is only sent on.
servers=plain.conf page_port=$HTTP_PORT
if is_file "$TLS_CERTIFICATE" || is_file "$TLS_KEY"; then
    for key in TLS_CERTIFICATE TLS_KEY; do
        eval "file=\$$key"
        if ! is_file "$file" || ! [ -r "$file" ]; then
            fail "$key='$file': expected a PEM file that can be read, as the other of TLS_CERTIFICATE and TLS_KEY is there"
        fi
    done
    servers=tls.conf page_port=$HTTPS_PORT
fi

page_locations=page_at_root.conf
[ -z "$UI_ROOT_PATH" ] || page_locations=page_below_path.conf
# Either will do: a proxy in front may publish under a name what is bound on loopback; and where PUBLISHED_AT is loopback,
# nobody signs in, whatever is bound.
near=
if is_loopback "$PUBLISH" || is_loopback "$PUBLISHED_AT"; then near='include near.conf;'; fi
published_https_port=
[ "$PUBLISHED_HTTPS_PORT" = 443 ] || published_https_port=:$PUBLISHED_HTTPS_PORT

# What Debian 12's nginx (1.22) spells otherwise, or cannot do.
version=$(nginx -v 2>&1 | sed -n 's|.*nginx/\([0-9]*\)\.\([0-9]*\)\.\([0-9]*\).*|\1 \2 \3|p')
at_least() {
    echo "$version" | awk -v wanted="$1" '{ split(wanted, w, "."); exit !($1 * 1e6 + $2 * 1e3 + $3 >= w[1] * 1e6 + w[2] * 1e3 + w[3]) }'
}
http2_listen=' http2' http2_on=
if at_least 1.25.1; then http2_listen='' http2_on='http2 on;'; fi
keepalive_min_timeout=
# So long an idle connection stays open after a reload, for the request that may be on its way.
if at_least 1.27.4; then keepalive_min_timeout='keepalive_min_timeout 5s;'; fi

for template in "$templates"/*.conf; do
    sed -e "s|@RUN@|$NGINX_RUN|g" -e "s|@MODEL@|$MODEL|g" -e "s|@RESOLVER@|$RESOLVER|g" \
        -e "s|@UI_ROOT_PATH@|$UI_ROOT_PATH|g" -e "s|@LISTEN_ADDRESS@|$LISTEN_ADDRESS|g" \
        -e "s|@HTTP_PORT@|$HTTP_PORT|g" -e "s|@HTTPS_PORT@|$HTTPS_PORT|g" -e "s|@PAGE_PORT@|$page_port|g" \
        -e "s|@INTERNAL_PORT@|$INTERNAL_PORT|g" \
        -e "s|@STATUS_PORT@|$STATUS_PORT|g" -e "s|@GRAFANA_PORT@|$GRAFANA_PORT|g" \
        -e "s|@PUBLISHED_HTTPS_PORT@|$published_https_port|g" \
        -e "s|@PREDICT_RATE@|$PREDICT_RATE|g" -e "s|@PREDICT_BURST@|$((2 * PREDICT_RATE))|g" \
        -e "s|@PREDICT_CONNECTIONS@|$PREDICT_CONNECTIONS|g" -e "s|@TLS_CERTIFICATE@|$TLS_CERTIFICATE|g" \
        -e "s|@TLS_KEY@|$TLS_KEY|g" -e "s|@ACME_ROOT@|$ACME_ROOT|g" -e "s|@SERVERS@|$servers|g" \
        -e "s|@PAGE_LOCATIONS@|$page_locations|g" -e "s|@HTTP2_LISTEN@|$http2_listen|g" -e "s|@HTTP2_ON@|$http2_on|g" \
        -e "s|@KEEPALIVE_MIN_TIMEOUT@|$keepalive_min_timeout|g" -e "s|@NEAR@|$near|g" \
        "$template" >"$NGINX_RUN/${template##*/}"
done

write_targets "$PAGE"
write_near >"$NGINX_RUN/near.conf"

run_nginx() { nginx -e stderr -p "$NGINX_RUN" -c "$NGINX_RUN/nginx.conf" "$@"; }
case ${1:-} in
'')
    exec nginx -e stderr -p "$NGINX_RUN" -c "$NGINX_RUN/nginx.conf" -g 'daemon off;' ;;
check)
    run_nginx -t ;;
move)
    shift
    for value in $(echo "$@" | tr , ' '); do
        printf '%s\n' "$value" | grep -Eqx "$target" || fail "move: got '$value', expected host:port"
    done
    [ "$#" -eq 0 ] || write_targets "$@"
    run_nginx -q -t
    run_nginx -s reload ;;
*)
    fail "got '$1', expected nothing, check or move" ;;
esac
