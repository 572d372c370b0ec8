/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/cli.h"

#include "reconciler/cli/verbs.h"
#include "state/phase.h"

static int print_json(void)
{
	autojson struct json *answer = json_new_object();
	struct json *phases = json_new_list();
	CLEANUP(text_clear) struct text text = {0};

	json_set(answer, "phases", phases);
	for (enum phase from = PHASE_PLANNED; from < PHASE_COUNT; from++) {
		struct json *phase = json_new_object(), *next = json_new_list();
		json_set_text(phase, "name", phase_name(from));
		json_set_text(phase, "text", phase_help(from));
		for (enum phase to = PHASE_PLANNED; to < PHASE_COUNT; to++)
			if (phase_can_follow(from, to))
				json_add_text(next, phase_name(to));
		json_set(phase, "next", next);
		json_add(phases, phase);
	}
	json_write(answer, JSON_LINE, &text);
	puts(text_get(&text));
	return 0;
}

static int run(struct session *session)
{
	if (session->as_json)
		return print_json();
	printf("digraph phases {\n\tnode [shape=box, fontname=\"sans-serif\"];\n");
	for (enum phase phase = PHASE_PLANNED; phase < PHASE_COUNT; phase++)
		printf("\t%s [tooltip=\"%s\"%s];\n", phase_name(phase), phase_help(phase),
			phase_is_under_way(phase) ? ", style=rounded" : "");
	for (enum phase from = PHASE_PLANNED; from < PHASE_COUNT; from++)
		for (enum phase to = PHASE_PLANNED; to < PHASE_COUNT; to++)
			if (phase_can_follow(from, to))
				printf("\t%s -> %s;\n", phase_name(from), phase_name(to));
	printf("}\n");
	return 0;
}

const struct cli_verb cli_phases = {
	.name = "phases",
	.synopsis = "",
	.summary = "print the phases of a replacement as a graph (for dot)",
	.words = CLI_NOTHING,
	.run = run,
};
