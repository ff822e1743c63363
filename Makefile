# demo · test · check · bench · build — everything a clone needs, nothing hidden.
# Needs: git, make, python3 (3.11 or newer, with venv). On Debian: apt-get install make git python3-venv
PY ?= python3
V := .venv/bin

.PHONY: demo test check bench build messages lock clean

.venv/.ok: pyproject.toml requirements.lock
	@$(PY) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; this is " + sys.version)'
	@echo "Setting up .venv (about a minute the first time)…"
	@$(PY) -m venv .venv || { echo "python3 -m venv failed. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@$(V)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(V)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: .venv/.ok        ## set up, build the demo city once, serve it on 127.0.0.1:8000
	@$(V)/zhunsheng demo

test: .venv/.ok        ## every test
	@$(V)/python -m pytest -q

check: .venv/.ok       ## format, lint, types, walls, templates, translations, tables, migrations
	@$(V)/ruff format --check src tests bench
	@$(V)/ruff check src tests bench
	@$(V)/mypy
	@$(V)/lint-imports
	@$(V)/djlint --quiet --lint src/zhunsheng/web/templates
	@$(V)/zhunsheng manage messages --check
	@$(V)/zhunsheng manage check --fail-level WARNING
	@$(V)/zhunsheng manage makemigrations --check --dry-run
	@$(V)/zhunsheng check-table

messages: .venv/.ok    ## collect new strings into locale/en, compile the catalogue
	@$(V)/zhunsheng manage messages

bench: .venv/.ok       ## each engine beside a peer or a limit, in one run
	@$(V)/python -m bench

build: .venv/.ok       ## wheel and sdist in dist/
	@$(V)/python -m build --no-isolation

lock:                  ## developers only: rewrite requirements.lock (needs uv)
	uv lock
	uv export --format requirements.txt --no-emit-project --no-header --no-annotate --extra web --extra postgres --extra stats --extra gm --extra analytics --extra timestamps --group dev -o requirements.lock

clean:
	rm -rf .venv var dist build
