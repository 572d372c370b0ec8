/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The command line: one file a verb, each with one row that says what it takes and how its answer looks to a person. The
 * work is done by kilnd (reconciler/verbs/), which is asked over its socket, or started.
 */

#include <stdbool.h>
#include <stdio.h>

#include "base/json.h"
#include "reconciler/cli/progress.h"

struct session;

struct cli_flag {
	const char *name;  /* without dashes */
	const char *value; /* how help calls what follows it; NULL: nothing does */
	bool repeats;
	const char *help;
	bool choice; /* true or false behind an equals sign; alone it means true */
};

/* What the words that are no flags are. */
enum cli_words {
	CLI_NOTHING,
	CLI_PLAN,        /* [REPO] [IMAGE...] [A..B] */
	CLI_REPO_IMAGES, /* [REPO] [IMAGE...] */
	CLI_LIST,        /* "words": as many as `least` to `most` */
};

struct cli_verb {
	const char *name;
	const char *synopsis; /* behind the name */
	const char *summary;  /* one line */
	const char *details;  /* more, or NULL */
	enum cli_words words;
	int least, most;   /* CLI_LIST */
	const char *first; /* CLI_LIST: what kilnd calls the only word; NULL: it gets the list */
	const struct cli_flag *flags; /* ended by a nameless one; NULL: none but the common ones */
	/* Before it is sent: what flags mean together. May be NULL. */
	int (*prepare)(struct json *arguments, bool as_json, struct error *err);
	/* Every item of the answer, before it is shown in whatever form. May be NULL. */
	void (*observe)(struct session *session, const struct json *item);
	/* One item of the answer, for a person. NULL: nothing is shown. */
	void (*show)(struct session *session, const struct json *item);
	/* A line of a build's log, likewise. */
	void (*show_log)(struct session *session, const struct json *line);
	/* At the end; may change the exit code. May be NULL. */
	int (*finish)(struct session *session, int code);
	/* Instead of asking kilnd. */
	int (*run)(struct session *session);
};

struct session {
	const struct cli_verb *verb;
	struct json *arguments; /* what is sent; flags by their names */
	const char *config, *state;
	bool as_json;
	long items; /* that came */
	struct progress progress;
};

/* All verbs, in the order of the help; ended by NULL. */
extern const struct cli_verb *const cli_verbs[];
const struct cli_verb *cli_find(const char *name);

/* Reads ARGV (behind the verb) into SESSION; -1 with an error that says what is wrong use. */
int cli_parse(struct session *session, int argc, char **argv, bool *help, struct error *err);
/* Asks kilnd, shows what comes, and returns the exit code. */
int cli_ask(struct session *session);

/* -var and -var-file, as kilnd wants them. */
int cli_read_variables(struct json *arguments, struct error *err);

void cli_print_help(const struct cli_verb *verb);
void cli_print_verbs(void);

/* "kiln: TEXT" on standard error. */
/* The path of the head's program; the caller frees. */
char *cli_find_kilnd(void);
/* What it is started with, --once or --daemon. The texts are borrowed. */
enum { CLI_KILND_WORDS = 8 };
void cli_kilnd_arguments(const struct session *session, const char *program, const char *mode,
	const char *arguments[static CLI_KILND_WORDS]);

void cli_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A number of OBJECT as text, NULL for null. Good until the fourth call after it. */
const char *cli_number(const struct json *object, const char *key);
/* The first 12 digits of a digest or commit, "-" for none. */
const char *cli_short(const char *digest);
