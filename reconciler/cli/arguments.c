/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "base/text.h"

/* Every verb has these. */
static const struct cli_flag common[] = {
	{"json", NULL, false, "print JSON, as kiln-json(5) says"},
	{"state", "FOLDER", false,
		"the state folder (else $KILN_STATE, service.json, the default)"},
	{"config", "FILE", false, "the service's file (else /etc/kiln/service.json)"},
	{"help", NULL, false, "print this"},
	{0},
};

static const struct cli_flag *find_flag(const struct cli_flag *flags, const char *name, size_t size)
{
	for (; flags && flags->name; flags++)
		if (strlen(flags->name) == size && memcmp(flags->name, name, size) == 0)
			return flags;
	return NULL;
}

static int unknown_flag(const struct cli_verb *verb, const char *word, struct error *err)
{
	const char *names[64];
	size_t count = 0;

	for (const struct cli_flag *f = common; f->name; f++)
		names[count++] = f->name;
	for (const struct cli_flag *f = verb->flags; f && f->name; f++)
		names[count++] = f->name;
	autofree char *bare = memory_copy_text(word + strspn(word, "-"));
	bare[strcspn(bare, "=")] = '\0';
	const char *near = nearest_name(bare, names, count);
	return fail(err, ERROR_CATALOG, "%s takes no %s%s%s%s", verb->name, word,
		near ? " (did you mean --" : "", near ? near : "", near ? "?)" : "");
}

static void set_flag(struct session *session, const struct cli_flag *flag, const char *value)
{
	if (!flag->value) {
		json_set_bool(session->arguments, flag->name, true);
	} else if (flag->repeats) {
		struct json *list = json_get(session->arguments, flag->name);
		if (!list) {
			list = json_new_list();
			json_set(session->arguments, flag->name, list);
		}
		json_add_text(list, value);
	} else {
		json_set_text(session->arguments, flag->name, value);
	}
}

/* As Go's flag package reads them. */
static int set_choice(
	struct session *session, const struct cli_flag *flag, const char *value, struct error *err)
{
	static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
	static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
		if (strcmp(value, yes[i]) != 0 && strcmp(value, no[i]) != 0)
			continue;
		json_set_bool(session->arguments, flag->name, strcmp(value, yes[i]) == 0);
		return 0;
	}
	return fail(err, ERROR_CATALOG, "--%s takes true or false, not '%s'", flag->name, value);
}

/* One flag at argv[*at]; one dash or two, its value behind '=' or as the next word. */
static int read_flag(struct session *session, int argc, char **argv, int *at, struct error *err)
{
	const char *word = argv[*at];
	const char *name = word + (word[1] == '-' ? 2 : 1);
	size_t size = strcspn(name, "=");
	const struct cli_flag *flag = find_flag(common, name, size);

	if (strcmp(word, "-h") == 0)
		flag = find_flag(common, "help", 4);
	if (!flag)
		flag = find_flag(session->verb->flags, name, size);
	if (!flag)
		return unknown_flag(session->verb, word, err);
	if (flag->choice)
		return set_choice(session, flag, name[size] == '=' ? name + size + 1 : "true", err);
	if (!flag->value && name[size] == '=')
		return fail(err, ERROR_CATALOG, "--%s takes no value", flag->name);
	const char *value = name[size] == '=' ? name + size + 1 : NULL;
	if (flag->value && !value) {
		if (*at + 1 >= argc)
			return fail(err, ERROR_CATALOG, "--%s needs %s", flag->name, flag->value);
		value = argv[++*at];
	}
	set_flag(session, flag, value);
	return 0;
}

/* What the contract calls a REPO. */
static bool is_repository(const char *word)
{
	return strcmp(word, ".") == 0 || strcmp(word, "..") == 0 || word[0] == '/' ||
	       word[0] == '~' || text_starts_with(word, "./") || text_starts_with(word, "../") ||
	       strstr(word, "://");
}

static int add_word(struct session *session, const char *word, struct error *err)
{
	struct json *arguments = session->arguments;
	const struct cli_verb *verb = session->verb;
	const char *list = verb->words == CLI_LIST ? "words" : "images";

	if (verb->words == CLI_NOTHING)
		return fail(err, ERROR_CATALOG, "%s takes no '%s'", verb->name, word);
	if (verb->words != CLI_LIST && is_repository(word)) {
		if (json_has(arguments, "repository"))
			return fail(err, ERROR_CATALOG, "two repositories: %s and %s",
				json_get_text(arguments, "repository", ""), word);
		json_set_text(arguments, "repository", word);
		return 0;
	}
	if (verb->words == CLI_PLAN && strstr(word, "..")) {
		if (json_has(arguments, "range"))
			return fail(err, ERROR_CATALOG, "two ranges: %s and %s",
				json_get_text(arguments, "range", ""), word);
		json_set_text(arguments, "range", word);
		return 0;
	}
	if (!json_has(arguments, list))
		json_set(arguments, list, json_new_list());
	json_add_text(json_get(arguments, list), word);
	return 0;
}

static int check_words(const struct session *session, struct error *err)
{
	const struct cli_verb *verb = session->verb;
	int count = (int)json_count(json_get(session->arguments, "words"));

	if (verb->first && count)
		json_set(session->arguments, verb->first,
			json_copy(json_item(json_get(session->arguments, "words"), 0)));
	if (verb->words != CLI_LIST || (count >= verb->least && count <= verb->most))
		return 0;
	return fail(err, ERROR_CATALOG, "usage: kiln %s %s", verb->name, verb->synopsis);
}

int cli_parse(struct session *session, int argc, char **argv, bool *help, struct error *err)
{
	bool words_only = false;

	session->arguments = json_new_object();
	for (int at = 0; at < argc; at++) {
		if (!words_only && strcmp(argv[at], "--") == 0) {
			words_only = true;
			continue;
		}
		int result = !words_only && argv[at][0] == '-' && argv[at][1]
		                     ? read_flag(session, argc, argv, &at, err)
		                     : add_word(session, argv[at], err);
		if (result < 0)
			return -1;
	}
	*help = json_get_boolean(session->arguments, "help", false);
	session->as_json = json_get_boolean(session->arguments, "json", false);
	session->config = json_get_text(session->arguments, "config", NULL);
	session->state = json_get_text(session->arguments, "state", NULL);
	if (*help)
		return 0;
	return check_words(session, err);
}

/* ---- help ---- */

static void print_flags(const struct cli_flag *flags)
{
	for (; flags && flags->name; flags++) {
		autofree char *left = memory_printf("%s%s%s%s", flags->name[1] ? "--" : "-",
			flags->name, flags->value ? " " : "", flags->value ? flags->value : "");
		printf("  %-24s %s\n", left, flags->help);
	}
}

void cli_print_help(const struct cli_verb *verb)
{
	printf("usage: kiln %s%s%s\n\n%s\n", verb->name, *verb->synopsis ? " " : "", verb->synopsis,
		verb->summary);
	if (verb->details)
		printf("\n%s\n", verb->details);
	printf("\n");
	print_flags(verb->flags);
	print_flags(common);
}

void cli_print_verbs(void)
{
	printf("usage: kiln VERB [ARGUMENTS]\n\n"
	       "kiln keeps a catalog of machine images true to a git repository of Packer "
	       "templates.\n\n");
	for (const struct cli_verb *const *verb = cli_verbs; *verb; verb++)
		printf("  %-10s %s\n", (*verb)->name, (*verb)->summary);
	printf("\nkiln help VERB tells more; kiln --version prints the version.\n");
}

const struct cli_verb *cli_find(const char *name)
{
	for (const struct cli_verb *const *verb = cli_verbs; *verb; verb++)
		if (strcmp((*verb)->name, name) == 0)
			return *verb;
	return NULL;
}

void cli_complain(const char *format, ...)
{
	CLEANUP(text_clear) struct text text = {0};
	va_list args;

	va_start(args, format);
	text_addv(&text, format, args);
	va_end(args);
	fflush(stdout);
	fprintf(stderr, "kiln: %s\n", text_get(&text));
}

const char *cli_short(const char *digest)
{
	static char buffers[4][16];
	static int next;
	char *buffer = buffers[next++ % 4];

	if (!digest)
		return "-";
	if (text_starts_with(digest, "sha256:"))
		digest += 7;
	snprintf(buffer, sizeof(buffers[0]), "%.12s", digest);
	return buffer;
}

const char *cli_number(const struct json *object, const char *key)
{
	static char buffers[4][24];
	static int next;
	char *buffer = buffers[next++ % 4];

	if (!json_get(object, key))
		return NULL;
	snprintf(buffer, sizeof(buffers[0]), "%lld", (long long)json_get_integer(object, key, 0));
	return buffer;
}
