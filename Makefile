# SPDX-License-Identifier: Apache-2.0
# ---- usage ------------------------------------------------------------------------------------------------------
# make            build everything into build/
# make demo       the whole story in a temporary folder, in under a minute
# make check      every test (sets itself up); make bench prints and checks the figures
# make install    [DESTDIR=] [PREFIX=/usr/local]
# make crash      machines, killed at every point of their builds; make nightly: with a whole Debian image
# make fuzz       FUZZ_SECONDS=120 of each libFuzzer target; make fuzz-differential: against the real packer
# SAN=1           with address and undefined-behaviour sanitizers; V=1 shows the commands

# ---- settings ---------------------------------------------------------------------------------------------------
CC       ?= gcc
PREFIX   ?= /usr/local
VERSION  := 0.1.0
BUILD    := build$(if $(FUZZ),/fuzz,$(if $(SAN),/san))
Q        := $(if $(V),,@)
# Goes on with other goals, by all processors.
ON        = $(MAKE) --no-print-directory -j$(shell nproc)

# ---- the folder lines: what a folder may include, which third-party headers are its own ---------------------------
# (tests/layers.sh holds the tree against them)
FOLDERS            := base state backends reconciler
base_includes      := base
state_includes     := base state
backends_includes  := base backends
reconciler_includes := base state backends reconciler
base_headers       := json-c/ openssl/
state_headers      := sqlite3.h
backends_headers   := archive curl/ libssh2 slirp/ xxhash.h zlib.h zstd.h
reconciler/git_headers := git2
reconciler/tools_headers := yaml.h
reconciler/web_headers := microhttpd.h
reconciler_headers := systemd/
# and what a program links: its own objects, these folders' archives, these libraries
kiln_links         := reconciler state backends base | -ljson-c
kilnd_links        := reconciler state backends base | -lgit2 -lsqlite3 -ljson-c -lyaml -lsystemd -lcrypto
kiln-fetch_links   := reconciler base | -lgit2 -ljson-c -lssl -lcrypto
kiln-web_links     := reconciler backends base | -lmicrohttpd -ljson-c -lcrypto
# libarchive and libcurl are loaded when they are first needed (backends/late.h)
kiln-build_links   := backends base | -lssh2 -lz -lzstd -lcrypto -ljson-c
kiln-network_links := base | -lslirp

# ---- flags ------------------------------------------------------------------------------------------------------
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wno-missing-field-initializers
CFLAGS   ?= -O2 -g
comma    := ,
ALL_CFLAGS := -std=gnu11 -D_GNU_SOURCE -DKILN_VERSION='"$(VERSION)"' -I. $(WARNINGS) $(CFLAGS) -fPIE \
            $(if $(SAN),-fsanitize=address$(comma)undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined) \
            $(if $(FUZZ),-fsanitize=fuzzer-no-link -Wno-unused-variable)
ALL_LDFLAGS := $(LDFLAGS) -pie -Wl,--as-needed $(if $(SAN),-fsanitize=address$(comma)undefined)

# ---- rules ------------------------------------------------------------------------------------------------------
PROGRAMS := kiln kilnd kiln-fetch kiln-web kiln-build kiln-network
MAINS    := reconciler/kiln.c reconciler/kilnd.c reconciler/kiln-fetch.c reconciler/kiln-web.c backends/kiln-build.c \
            backends/kiln-network.c
main_of   = $(filter %/$(1).c,$(MAINS))
sources   = $(filter-out $(MAINS),$(shell find $(1) -name '*.c'))
objects   = $(patsubst %.c,$(BUILD)/%.o,$(1))

all: $(PROGRAMS:%=$(BUILD)/%)

.SUFFIXES:
.DELETE_ON_ERROR:
.PHONY: all unit check check-setup crash nightly demo conformance bench bench-qemu soak fuzz fuzz-targets fuzz-differential install clean

$(BUILD)/flags: FORCE
	@mkdir -p $(BUILD)
	@echo '$(CC) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS)' > $@
FORCE:

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	@$(if $(V),,echo '  CC    $<')
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/state/store.o: $(wildcard state/schema/*.sql)
$(BUILD)/reconciler/web/asset.o: $(wildcard reconciler/web/page/*)

define folder_rule
$(BUILD)/lib$(1).a: $(call objects,$(call sources,$(1)))
	@rm -f $$@
	$(Q)$(AR) rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call folder_rule,$(f))))

define program_rule
$(BUILD)/$(1): $(patsubst %.c,$(BUILD)/%.o,$(call main_of,$(1))) $(patsubst %,$(BUILD)/lib%.a,$(filter $(FOLDERS),$($(1)_links)))
	@$(if $(V),,echo '  LINK  $$@')
	$(Q)$(CC) $(ALL_LDFLAGS) $$^ $(filter -l%,$($(1)_links)) $($(1)_ldflags) -o $$@
endef
kilnd_ldflags := -Wl,-u,mbedtls_x509_crt_parse_file,--export-dynamic-symbol=mbedtls_x509_crt_parse_file
$(foreach p,$(PROGRAMS),$(eval $(call program_rule,$(p))))

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# ---- tests ------------------------------------------------------------------------------------------------------
# A unit test tests/unit/test_FOLDER_WHAT.c links what that folder's program does.
UNIT_TESTS  := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
base_tests       := base | -ljson-c -lcrypto
state_tests      := state base | -lsqlite3 -ljson-c -lcrypto
# (-larchive: a test makes archives by itself)
backends_tests   := $(kiln-build_links) -larchive
reconciler_tests := $(kilnd_links)
folder_of         = $(word 2,$(subst _, ,$(notdir $(1))))

define unit_rule
$(1): $(patsubst $(BUILD)/tests/%,$(BUILD)/tests/unit/%.o,$(1)) $(patsubst %,$(BUILD)/lib%.a,$(filter $(FOLDERS),$($(call folder_of,$(1))_tests)))
	@$(if $(V),,echo '  LINK  $$@')
	$(Q)$(CC) $(ALL_LDFLAGS) $$^ $(filter -l%,$($(call folder_of,$(1))_tests)) -o $$@
endef
$(foreach t,$(UNIT_TESTS),$(eval $(call unit_rule,$(t))))

# A fuzz target tests/fuzz/fuzz_WHAT.c replays its corpus as a test, or runs with libFuzzer in build/fuzz.
FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz_links   := reconciler backends base | -ljson-c -lcrypto

define fuzz_rule
$(1): $(patsubst $(BUILD)/tests/%,$(BUILD)/tests/fuzz/%.o,$(1)) $(if $(FUZZ),,$(BUILD)/tests/fuzz/replay.o) $(patsubst %,$(BUILD)/lib%.a,$(filter $(FOLDERS),$(fuzz_links)))
	@$(if $(V),,echo '  LINK  $$@')
	$(Q)$(CC) $(ALL_LDFLAGS) $(if $(FUZZ),-fsanitize=fuzzer) $$^ $(filter -l%,$(fuzz_links)) -o $$@
endef
$(foreach t,$(FUZZ_TARGETS),$(eval $(call fuzz_rule,$(t))))

unit: $(UNIT_TESTS) $(FUZZ_TARGETS)
	@tests/run $^

# What stories run beside the programs.
TEST_TOOLS := $(BUILD)/tests/media
$(BUILD)/tests/media: $(BUILD)/tests/tools/media.o $(patsubst %,$(BUILD)/lib%.a,$(filter $(FOLDERS),$(backends_tests)))
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(filter -l%,$(backends_tests)) -o $@

# What the bench of machines puts in QEMU's place.
$(BUILD)/tests/metered: $(BUILD)/tests/tools/metered.o
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@

$(BUILD)/tests/render: $(BUILD)/tests/fuzz/render.o $(patsubst %,$(BUILD)/lib%.a,$(filter $(FOLDERS),$(fuzz_links)))
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(filter -l%,$(fuzz_links)) -o $@

fuzz-targets: $(FUZZ_TARGETS)

fuzz:
	@tests/setup fuzz
	+@$(ON) FUZZ=1 SAN=1 CC=clang fuzz-targets
	@tests/fuzz/run

# Against the real packer, FUZZ_SECONDS (120) long.
fuzz-differential:
	@tests/setup differential
	+@$(ON) $(BUILD)/tests/render
	@tests/fuzz/differential

# The longest begin first, or the last of them would be waited for alone.
LONG := $(patsubst %,tests/t/%.sh,9000-crash 2033-machine-checkpoints 9010-crash-machines 2034-boot 2030-qemu 2022-provisioners 2020-ssh)

# With V=1 each part says more. The parts in their order: what is cheap and fails first.
check: check-setup
	+@$(ON) all
	@tests/layers
	@tests/lint
	+@$(ON) SAN=1 unit
	+@$(ON) all $(UNIT_TESTS) $(TEST_TOOLS)
	@tests/run $(LONG) $(UNIT_TESTS) $(filter-out $(LONG),$(wildcard tests/t/[0-9]*.sh))

check-setup:
	@tests/setup check

# All of t/9010-crash-machines.sh; in `check` only a sample of it.
crash:
	@tests/setup check
	+@$(ON) all
	@KILN_CRASH_ALL=1 tests/run tests/t/9000-crash.sh tests/t/9010-crash-machines.sh

# Half an hour: figures, and what is wrong.
nightly:
	@tests/setup nightly
	+@$(ON) all
	@tests/run tests/nightly/cold-machine
	@tests/nightly/story

demo:
	@tests/setup demo
	+@$(ON) all
	@tests/demo

# The real packer's answers for real templates: KILN_CORPUS is their folder.
conformance:
	+@$(ON) all
	@code=0; tests/conformance/conformance || code=1; tests/conformance/options || code=1; \
		tests/conformance/closure || code=1; exit $$code

bench:
	@tests/setup bench
	+@$(ON) all
	@code=0; tests/bench/bench || code=1; tests/bench/service || code=1; exit $$code

bench-qemu:
	@tests/setup bench
	+@$(ON) all $(BUILD)/tests/metered
	@tests/bench/qemu

# SOAK_MINUTES (20) of everything at once.
soak:
	@tests/setup check
	+@$(ON) all
	@tests/soak

# ---- install ----------------------------------------------------------------------------------------------------
bindir     := $(PREFIX)/bin
libexecdir := $(PREFIX)/libexec/kiln
mandir     := $(PREFIX)/share/man
sharedir   := $(PREFIX)/share
# systemd looks for all of these in /usr/lib and /usr/local/lib
unitdir     := $(PREFIX)/lib/systemd/system
sysusersdir := $(PREFIX)/lib/sysusers.d
tmpfilesdir := $(PREFIX)/lib/tmpfiles.d
catalogdir  := $(PREFIX)/lib/systemd/catalog
UNITS       := $(wildcard contrib/systemd/*.service.in)

install: all
	install -D -m 755 $(BUILD)/kiln $(DESTDIR)$(bindir)/kiln
	install -D -m 755 -t $(DESTDIR)$(libexecdir) $(BUILD)/kilnd $(BUILD)/kiln-fetch $(BUILD)/kiln-web $(BUILD)/kiln-build \
		$(BUILD)/kiln-network
	install -D -m 644 -t $(DESTDIR)$(mandir)/man1 docs/man/*.1
	install -D -m 644 -t $(DESTDIR)$(mandir)/man5 docs/man/*.5
	install -D -m 644 -t $(DESTDIR)$(sharedir)/kiln docs/*.schema.json contrib/prometheus/kiln.rules.yml
	install -D -m 644 docs/completion/kiln.bash $(DESTDIR)$(sharedir)/bash-completion/completions/kiln
	install -D -m 644 -t $(DESTDIR)$(unitdir) contrib/systemd/*.socket contrib/systemd/*.timer contrib/systemd/*.slice
	for unit in $(notdir $(UNITS:.in=)); do \
		sed 's|@bindir@|$(bindir)|; s|@libexecdir@|$(libexecdir)|' contrib/systemd/$$unit.in \
			> $(DESTDIR)$(unitdir)/$$unit && chmod 644 $(DESTDIR)$(unitdir)/$$unit || exit 1; \
	done
	for folder in kiln-build-.service.d kiln-fetch-.service.d; do \
		install -D -m 644 -t $(DESTDIR)$(unitdir)/$$folder contrib/systemd/$$folder/*.conf || exit 1; \
	done
	install -D -m 644 contrib/systemd/sysusers.conf $(DESTDIR)$(sysusersdir)/kiln.conf
	install -D -m 644 contrib/systemd/tmpfiles.conf $(DESTDIR)$(tmpfilesdir)/kiln.conf
	install -D -m 644 -t $(DESTDIR)$(catalogdir) contrib/systemd/kiln.catalog

# ---- clean ------------------------------------------------------------------------------------------------------
clean:
	rm -rf build
