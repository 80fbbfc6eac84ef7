# Everything is a script in toolchain/; this is the list of what there is to ask for.
# PG=15 chooses the major version (18 comes along, others are Debian's), PG_CONFIG=… a server that is installed.
SHELL := bash
export PG PG_CONFIG

.DEFAULT_GOAL := help
.PHONY: help demo test bench bench-full build install psql stop docs monitoring clean distclean

help: ## print this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' Makefile | expand -t 18

demo: ## a service evening on a real server: the main job, from nothing
	@toolchain/demo

test: ## all tests on PostgreSQL 18, or make test PG=15, or make test PG_CONFIG=/path/to/pg_config
	@toolchain/test

bench: ## what a confirm costs beside what you would write yourself, on a quiet machine: forty minutes at most
	@toolchain/bench

bench-full: ## the same for every cell, in hours; what an earlier run finished is kept
	@toolchain/bench full

build: ## compile the extension for the server of the demo and the tests
	@toolchain/build

install: ## install it into your server: make install PG_CONFIG=/path/to/pg_config
	@toolchain/install

psql: ## open a session on the demo server (started when it is not running)
	@toolchain/server psql demo

stop: ## stop the demo server; its data stays
	@toolchain/server stop demo

docs: ## write the pages that are made from the code
	@toolchain/docs

monitoring: ## a server under load, an exporter and Prometheus: do alerts fire and the dashboard show it?
	@toolchain/monitoring run

clean: ## stop our servers, delete their data and what was built
	@toolchain/clean

distclean: ## … and what was fetched
	@toolchain/clean everything
