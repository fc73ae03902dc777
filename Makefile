# The project's commands. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help run demo tools test test-rust test-project test-clients test-gateway test-claude soak-claude bench-claude fuzz lint fmt lock image clean-tools

help: ## List the commands
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-22s%s\n", $$1, $$2}'

run: ## Build and start the server on port 8000 (RUN_ARGS="--port 9000")
	@scripts/run.sh $(RUN_ARGS)

demo: ## See it work without an account: both dialects, through the real Claude Code (DEMO_ARGS=--once ends it)
	@scripts/demo.sh $(DEMO_ARGS)

tools: ## Install the pinned Claude Code, Codex and clients that the tests drive
	@scripts/tools.sh

test: ## Run every test; the last line sums up
	@scripts/test.sh rust project clients apart gateway claude

test-rust: ## Run the tests of the crates
	@scripts/test.sh rust

test-project: ## Test the image, the locks and the scripts
	@scripts/test.sh project

test-gateway: ## Test the program as a gateway: several backends, fail-over and reloads under load, clients set up for a cloud
	@scripts/test.sh gateway

test-clients: ## Test the program with the official clients, frameworks and agents
	@scripts/test.sh clients apart

test-claude: ## Test the program with the real Claude Code
	@scripts/test.sh claude

soak-claude: ## Break everything around Claude Code for half an hour and count what goes wrong (SOAK_MINUTES=5)
	@SOAK_MINUTES=$(SOAK_MINUTES) scripts/soak-claude.sh $(SOAK_ARGS)

bench-claude: ## Measure Claude Code behind the proxy beside the official SDK (BENCH_ARGS="--rounds 40 --write bench/RESULTS-claude.md")
	@scripts/bench-claude.sh $(BENCH_ARGS)

fuzz: ## Fuzz the decoders with libFuzzer, FUZZ_SECONDS each (needs nightly and cargo-fuzz)
	@scripts/fuzz.sh $(FUZZ_TARGETS)

lint: ## Check format, lints, licences and advisories
	@scripts/lint.sh code dependencies

fmt: ## Format the code
	@cargo fmt --all

lock: ## Renew the locks of tools and clients after a version was changed
	@scripts/lock.sh

image: ## Build the container image (INSTALL_CLAUDE=1 puts Claude Code into your own)
	@docker build --file deploy/Dockerfile --build-arg INSTALL_CLAUDE=$(or $(INSTALL_CLAUDE),0) --tag claude-code-proxy .

clean-tools: ## Remove what `make tools` installed
	@rm -rf .tools tests/clients/node/node_modules
