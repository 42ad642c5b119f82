# The only list of commands. `make run` starts a site with sample content, `make test` runs everything.

HOST    := $(shell rustc -vV | sed -n 's/^host: //p')
OUT      = target/$(HOST)/release
PROGRAMS = cgi_blerg fcgi_blerg http_blerg blergtool
PREFIX  ?= /usr/local
PORT    ?= 8080
DATA    ?= data
SCALE   ?= 50000
MINUTES ?= 10
# Static programs start about twice as fast as dynamic ones and run on any Linux of this architecture; the
# target has to be named, or procedural macros would be linked statically too and not load.
STATIC   = RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked --target $(HOST)

# What the tests and benches drive, by Debian package.
DEPS_TEST  = git lighttpd apache2 libapache2-mod-fcgid nginx-light libfcgi-bin libfcgi-client-perl spawn-fcgi strace \
             newsboat sfeed rss2email libxml2-utils jing default-jre-headless python3-feedparser curl openssl w3m lynx \
             chromium fortunes fortunes-de fortunes-es fortunes-it fortunes-pl fortunes-ru fortunes-zh ca-certificates systemd
DEPS_BENCH = $(DEPS_TEST) libfcgi-dev wrk gcc hey fossil php-fpm php-xml procps \
             python3-matplotlib python3-flask python3-gevent python3-markdown-it python3-mdit-py-plugins
DEPS_SOAK  = python3 lighttpd qemu-utils fuse3 e2fsprogs xfsprogs btrfs-progs mount util-linux strace
SUDO       = $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: all run test lint tidy deps deps-bench deps-soak bench shots lighthouse install fuzz soak clean

all: ## builds every program, statically, under its final name in dist/
	$(STATIC)
	mkdir -p dist
	cd $(OUT) && cp -f $(PROGRAMS) $(CURDIR)/dist/
	cp -f $(OUT)/rss dist/rss.cgi
	cp -f $(OUT)/wiki dist/wiki.cgi
	rm -rf dist/www dist/htaccess && cp -R www htaccess dist/

run: all ## starts the site on http://127.0.0.1:$(PORT)/ with the data in $(DATA), filled with samples when it is empty
	@[ -e "$(DATA)/FORMAT" ] || { dist/blergtool --data "$(DATA)" init && dist/blergtool --data "$(DATA)" import cgi/sample/posts.jsonl; }
	@echo "open http://127.0.0.1:$(PORT)/ (Ctrl-C stops)"
	@exec dist/http_blerg --data "$(DATA)" --listen 127.0.0.1:$(PORT) --www dist/www

test: deps lint ## installs what the tests need and runs every test
	cargo test --workspace --locked
	node --test tests/www/*.test.mjs

# Runs a command while a site with the sample's posts stands at http://127.0.0.1:$(PORT)/. BIN=DIRECTORY takes programs that
# are built already, such as those of `cargo build`.
BIN     ?= dist
SAMPLE   = rm -rf target/sample && mkdir -p target/sample && $(BIN)/blergtool --data target/sample init && \
	$(BIN)/blergtool --data target/sample import cgi/sample/posts.jsonl && \
	{ $(BIN)/http_blerg --data target/sample --listen 127.0.0.1:$(PORT) --www www & } && server=$$! && trap "kill $$server" EXIT && \
	curl -sS --retry 50 --retry-connrefused --retry-delay 1 -o /dev/null http://127.0.0.1:$(PORT)/latest

shots lighthouse: deps $(if $(filter dist,$(BIN)),all)

shots: ## draws every view of the client, at 320, 768 and 1280 px, light and dark, into target/shots/
	@rm -rf target/shots; $(SAMPLE) && node tests/www/browser/shots.mjs http://127.0.0.1:$(PORT)/ target/shots

lighthouse: ## has Lighthouse judge the client's views; below 100 in accessibility or best practices or 95 in performance fails
	@cmp -s tests/npm-lighthouse/package-lock.json tests/npm-lighthouse/node_modules/.installed || { \
	npm ci --prefix tests/npm-lighthouse --ignore-scripts --no-audit --no-fund && \
	cp tests/npm-lighthouse/package-lock.json tests/npm-lighthouse/node_modules/.installed; }
	@$(SAMPLE) && node tests/www/lighthouse.mjs http://127.0.0.1:$(PORT)/

lint: ## formatting and lints; a warning fails
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

deps: ## installs the Debian packages that the tests drive
	@missing=$$(for p in $(DEPS_TEST); do dpkg -s $$p >/dev/null 2>&1 || echo $$p; done); \
	[ -z "$$missing" ] || { $(SUDO) apt-get update -q && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -qy --no-install-recommends $$missing; }
	@command -v npm >/dev/null || DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -qy --no-install-recommends nodejs npm
	@cmp -s tests/npm/package-lock.json tests/npm/node_modules/.installed || { \
	npm ci --prefix tests/npm --ignore-scripts --no-audit --no-fund && cp tests/npm/package-lock.json tests/npm/node_modules/.installed; }

deps-bench:
	@missing=$$(for p in $(DEPS_BENCH); do dpkg -s $$p >/dev/null 2>&1 || echo $$p; done); \
	[ -z "$$missing" ] || { $(SUDO) apt-get update -q && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -qy --no-install-recommends $$missing; }
	@# After PHP, or it would bring Apache's; told to leave the web servers' settings alone. Without it its line is left out.
	@dpkg -s dokuwiki >/dev/null 2>&1 || { echo "dokuwiki dokuwiki/webservers multiselect" | $(SUDO) debconf-set-selections; \
	DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -qy --no-install-recommends dokuwiki || true; }

bench: all deps-bench ## compares with floors and peers in one run and prints ratios; SCALE=10M shows what ten million records cost
	SCALE=$(SCALE) tests/bench/run
	tests/bench/feeds
	tests/bench/wiki
	cargo build --release --locked --manifest-path tests/bench/scale/Cargo.toml --target-dir target/scale
	SCALE=$(SCALE) target/scale/release/scale
	/usr/bin/python3 tests/bench/plot target/scale.json target/scale.svg

fuzz: ## fuzzes whatever takes bytes from outside, all targets in MINUTES; a finding fails, its input is in target/fuzz/
	tests/fuzz/run $(MINUTES)

soak: MINUTES = 30
soak: all deps-soak ## the long attacks on what is stored: kills, power cuts, full disks, traps, damage, for MINUTES; needs root
	tests/soak/run $(MINUTES)

deps-soak:
	@missing=$$(for p in $(DEPS_SOAK); do dpkg -s $$p >/dev/null 2>&1 || echo $$p; done); \
	[ -z "$$missing" ] || { $(SUDO) apt-get update -q && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -qy --no-install-recommends $$missing; }

install: all ## copies dist/ to $(PREFIX)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/blerg $(DESTDIR)$(PREFIX)/share/blerg
	install -m 755 dist/http_blerg dist/fcgi_blerg dist/blergtool $(DESTDIR)$(PREFIX)/bin/
	install -m 755 dist/cgi_blerg dist/rss.cgi dist/wiki.cgi $(DESTDIR)$(PREFIX)/lib/blerg/
	cp -R dist/www dist/htaccess $(DESTDIR)$(PREFIX)/share/blerg/

clean:
	cargo clean
	rm -rf dist
