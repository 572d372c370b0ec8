/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/cli.h"

#include <inttypes.h>

#include "reconciler/cli/verbs.h"

static void show_line(const char *what, const char *text)
{
	if (text)
		printf("  %-9s %s\n", what, text);
}

static void show_bases(const struct json *bases)
{
	for (size_t i = 0; i < json_count(bases); i++) {
		const struct json *base = json_item(bases, i);
		printf("  %-9s %s@%" PRId64 " from %s, %s\n", "base",
			json_get_text(base, "image", ""), json_get_integer(base, "version", 0),
			cli_short(json_get_text(base, "commit", NULL)),
			json_get_text(base, "digest", ""));
	}
}

static void show_phases(const struct json *phases)
{
	for (size_t i = 0; i < json_count(phases); i++) {
		const struct json *phase = json_item(phases, i);
		printf("  %-9s %s %s\n", i ? "" : "phases", json_get_text(phase, "at", ""),
			json_get_text(phase, "phase", ""));
	}
}

/* Options are many: `kiln audit --json` and `kiln diff` have them. */
static void show_inputs(const struct json *inputs)
{
	size_t options = 0, shown = 0;

	for (size_t i = 0; i < json_count(inputs); i++) {
		const struct json *input = json_item(inputs, i);
		const char *kind = json_get_text(input, "kind", "");
		if (*kind == 'o' && kind[1] == 'p' && kind[2] == 't') {
			options++;
			continue;
		}
		printf("  %-9s %s %s %s\n", shown++ ? "" : "inputs", kind,
			json_get_text(input, "key", ""), json_get_text(input, "value", ""));
	}
	printf("  %-9s and %zu options\n", shown ? "" : "inputs", options);
}

static void show_trace(const struct json *trace)
{
	const struct json *channels = json_get(trace, "channels");
	CLEANUP(text_clear) struct text names = {0};

	for (size_t i = 0; i < json_count(channels); i++)
		text_addf(&names, "%s%s", i ? ", " : "", json_text(json_item(channels, i), ""));
	printf("%s@%" PRId64 "%s%s\n", json_get_text(trace, "image", ""),
		json_get_integer(trace, "version", 0), names.size ? " is " : "",
		names.size ? text_get(&names) : "");
	show_line("digest", json_get_text(trace, "digest", NULL));
	show_line("commit", json_get_text(trace, "commit", NULL));
	show_line("author", json_get_text(trace, "author", NULL));
	show_line("authored", json_get_text(trace, "authored", NULL));
	show_line("closure", json_get_text(trace, "closure", NULL));
	show_line("builder", json_get_text(trace, "builder", NULL));
	show_bases(json_get(trace, "base"));
	show_inputs(json_get(trace, "inputs"));
	show_phases(json_get(trace, "phases"));
}

static void show(struct session *session, const struct json *answer)
{
	(void)session;
	for (size_t i = 0; i < json_count(answer); i++)
		show_trace(json_item(answer, i));
}

const struct cli_verb cli_audit = {
	.name = "audit",
	.synopsis = "COMMIT, IMAGE@N, FILE, sha256:... or PATH",
	.summary = "trace an image to its commit and inputs, or a commit or an input to its images",
	.details = "FILE is an image's file, wherever it lies; PATH one of the repository.",
	.words = CLI_LIST,
	.least = 1,
	.most = 1,
	.first = "word",
	.show = show,
};
