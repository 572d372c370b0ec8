/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/template/interpolation.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/moment.h"

static int do_user(void *context, const struct gotemplate_value *a, size_t count,
	struct text *result, struct error *err)
{
	const struct interpolation *i = context;
	const char *name = gotemplate_text(a, 0);
	const char *value = i->values ? map_find(i->values, name) : NULL;

	(void)count;
	if (i->used_variables)
		strings_add_once(i->used_variables, name);
	if (value)
		text_add(result, value);
	else if (i->solving)
		return fail(err, ERROR_CATALOG, INTERPOLATION_NOT_SET ": %s", name);
	return 0;
}

static int do_env(void *context, const struct gotemplate_value *a, size_t count,
	struct text *result, struct error *err)
{
	const struct interpolation *i = context;
	const char *name = gotemplate_text(a, 0);

	(void)count;
	if (!i->solving)
		return fail(err, ERROR_CATALOG,
			"the environment is read only in `variables`: put it there and use "
			"{{user}}");
	if (i->used_environment)
		strings_add_once(i->used_environment, name);
	if (i->get_environment)
		text_add(result, i->get_environment(i->context, name));
	return 0;
}

static int do_secret_store(void *context, const struct gotemplate_value *a, size_t count,
	struct text *result, struct error *err)
{
	const struct interpolation *i = context;

	(void)a, (void)count, (void)result;
	if (!i->solving)
		return fail(err, ERROR_CATALOG, "it is allowed only in `variables`");
	return fail(err, ERROR_CATALOG,
		"kiln asks no secret store: give the variable in kiln.json as {\"secret\": NAME}");
}

static int do_timestamp(void *context, const struct gotemplate_value *a, size_t count,
	struct text *result, struct error *err)
{
	const struct interpolation *i = context;

	(void)a, (void)count, (void)err;
	text_addf(result, "%lld", (long long)(i->now_usec / 1000000));
	return 0;
}

static int do_isotime(void *context, const struct gotemplate_value *a, size_t count,
	struct text *result, struct error *err)
{
	const struct interpolation *i = context;

	if (count > 1)
		return fail(err, ERROR_CATALOG, "one layout, not %zu", count);
	moment_write_layout(i->now_usec / 1000000, i->now_usec % 1000000 * 1000,
		count ? gotemplate_text(a, 0) : "2006-01-02T15:04:05Z07:00", result);
	return 0;
}

static int do_strftime(void *context, const struct gotemplate_value *a, size_t count,
	struct text *result, struct error *err)
{
	const struct interpolation *i = context;

	(void)count, (void)err;
	moment_write_strftime(
		i->now_usec / 1000000, i->now_usec % 1000000 * 1000, gotemplate_text(a, 0), result);
	return 0;
}

/* Packer's own kind: the time, then 96 random bits; a new one at each call. */
static int do_uuid(void *context, const struct gotemplate_value *a, size_t count,
	struct text *result, struct error *err)
{
	const struct interpolation *i = context;
	unsigned char r[12];

	(void)a, (void)count;
	if (getrandom(r, sizeof(r), 0) != sizeof(r))
		return fail(err, ERROR_BROKEN, "no random numbers");
	text_addf(result, "%08x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		(unsigned)(i->now_usec / 1000000), r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7],
		r[8], r[9], r[10], r[11]);
	return 0;
}

static int do_build_name(void *context, const struct gotemplate_value *a, size_t count,
	struct text *result, struct error *err)
{
	const struct interpolation *i = context;

	(void)a, (void)count;
	if (!i->build_name)
		return fail(err, ERROR_CATALOG, "there is no build here");
	if (i->used_build_name)
		*i->used_build_name = true;
	text_add(result, i->build_name);
	return 0;
}

static int do_build_type(void *context, const struct gotemplate_value *a, size_t count,
	struct text *result, struct error *err)
{
	const struct interpolation *i = context;

	(void)a, (void)count;
	if (!i->build_type)
		return fail(err, ERROR_CATALOG, "there is no build here");
	text_add(result, i->build_type);
	return 0;
}

static int do_template_dir(void *context, const struct gotemplate_value *a, size_t count,
	struct text *result, struct error *err)
{
	const struct interpolation *i = context;

	(void)a, (void)count;
	if (!i->template_folder)
		return fail(err, ERROR_CATALOG, "there is no template here");
	text_add(result, i->template_folder);
	return 0;
}

static int do_pwd(void *context, const struct gotemplate_value *a, size_t count,
	struct text *result, struct error *err)
{
	const struct interpolation *i = context;

	(void)a, (void)count, (void)err;
	text_add(result, i->working_folder ? i->working_folder : "");
	return 0;
}

static int do_packer_version(void *context, const struct gotemplate_value *a, size_t count,
	struct text *result, struct error *err)
{
	const struct interpolation *i = context;

	(void)a, (void)count;
	if (!i->build_name)
		return fail(err, ERROR_CATALOG, "it is known in the options of a build only");
	text_add(result, PACKER_VERSION);
	return 0;
}

static const char *const build_keys[] = {"ID", "Host", "Port", "User", "Password", "ConnType",
	"PackerRunUUID", "PackerHTTPPort", "PackerHTTPIP", "PackerHTTPAddr", "SSHPublicKey",
	"SSHPrivateKey", "WinRMPassword", "SourceAMIName"};

bool interpolation_is_build_key(const char *key)
{
	for (size_t i = 0; i < sizeof(build_keys) / sizeof(*build_keys); i++)
		if (strcmp(build_keys[i], key) == 0)
			return true;
	return false;
}

static int do_build(void *context, const struct gotemplate_value *a, size_t count,
	struct text *result, struct error *err)
{
	const struct interpolation *i = context;
	const char *key = gotemplate_text(a, 0);

	(void)count;
	if (!i->build_data)
		return fail(err, ERROR_CATALOG,
			"only provisioners and post-processors know the data of a build");
	if (!interpolation_is_build_key(key))
		return fail(err, ERROR_CATALOG, "a build has no data called %s", key);
	text_addf(result, "{{.%s}}", key);
	return 0;
}

static int do_sed(void *context, const struct gotemplate_value *a, size_t count,
	struct text *result, struct error *err)
{
	(void)context, (void)a, (void)count, (void)result;
	return fail(err, ERROR_CATALOG, "it is gone from Packer: use replace or replace_all");
}

/* ---- clean_resource_name: some builders define it, each in its own way ---- */

static void clean_amazon(const char *text, struct text *result)
{
	for (; *text; text++)
		text_add_char(result, isalnum((unsigned char)*text) || strchr("()[] ./'@_-", *text)
					      ? *text
					      : '-');
}

static void clean_azure(const char *text, struct text *result)
{
	for (; *text; text++)
		text_add_char(result,
			isalnum((unsigned char)*text) || strchr("._-", *text) ? *text : '-');
	while (result->size && strchr("-_.", result->data[result->size - 1]))
		result->data[--result->size] = '\0';
}

static bool is_google_name(const char *text)
{
	size_t size = strlen(text);

	if (!size || size > 63 || !islower((unsigned char)*text) || text[size - 1] == '-')
		return false;
	for (; *text; text++)
		if (!islower((unsigned char)*text) && !isdigit((unsigned char)*text) &&
			*text != '-')
			return false;
	return true;
}

static void clean_google(const char *text, struct text *result)
{
	if (is_google_name(text)) {
		text_add(result, text);
		return;
	}
	for (; *text; text++) {
		char lower = tolower((unsigned char)*text);
		text_add_char(result, islower((unsigned char)lower) || isdigit((unsigned char)lower)
					      ? lower
					      : '-');
	}
}

static const struct {
	const char *prefix;
	void (*clean)(const char *text, struct text *result);
} cleaners[] = {
	{"amazon-", clean_amazon},
	{"osc-", clean_amazon},
	{"azure-", clean_azure},
	{"googlecompute", clean_google},
	{"yandex", clean_google},
};

static int do_clean_resource_name(void *context, const struct gotemplate_value *a, size_t count,
	struct text *result, struct error *err)
{
	const struct interpolation *i = context;

	(void)count, (void)err;
	for (size_t c = 0; c < sizeof(cleaners) / sizeof(*cleaners); c++) {
		if (text_starts_with(i->build_type, cleaners[c].prefix)) {
			CLEANUP(text_clear) struct text cleaned = {0};
			cleaners[c].clean(gotemplate_text(a, 0), &cleaned);
			text_add(result, text_get(&cleaned));
			return 0;
		}
	}
	return 0;
}

/* Only in a builder's own options, and only of those builders. */
static bool has_clean_resource_name(const struct interpolation *i)
{
	if (!i->build_type || i->build_data)
		return false;
	for (size_t c = 0; c < sizeof(cleaners) / sizeof(*cleaners); c++)
		if (text_starts_with(i->build_type, cleaners[c].prefix))
			return true;
	return false;
}

static const struct gotemplate_function functions[] = {
	{"user", "s", do_user, false},
	{"env", "s", do_env, false},
	{"vault", "ss", do_secret_store, false},
	{"consul_key", "s", do_secret_store, false},
	{"aws_secretsmanager", "sS", do_secret_store, false},
	{"build", "s", do_build, false},
	{"build_name", "", do_build_name, false},
	{"build_type", "", do_build_type, false},
	{"template_dir", "", do_template_dir, false},
	{"pwd", "", do_pwd, false},
	{"packer_version", "", do_packer_version, false},
	{"sed", "ss", do_sed, false},
	{"clean_resource_name", "s", do_clean_resource_name, false},
};

/* What cannot be an input: the same functions, live and kept. */
static const struct gotemplate_function impure[][2] = {
	{{"timestamp", "", do_timestamp, false}, {"timestamp", "", do_timestamp, true}},
	{{"isotime", "S", do_isotime, false}, {"isotime", "S", do_isotime, true}},
	{{"strftime", "s", do_strftime, false}, {"strftime", "s", do_strftime, true}},
	{{"uuid", "", do_uuid, false}, {"uuid", "", do_uuid, true}},
};

static const struct gotemplate_function *find(void *context, const char *name)
{
	const struct interpolation *i = context;

	for (size_t f = 0; f < sizeof(functions) / sizeof(*functions); f++) {
		if (strcmp(functions[f].name, name) != 0)
			continue;
		if (functions[f].call == do_clean_resource_name && !has_clean_resource_name(i))
			return NULL;
		return &functions[f];
	}
	for (size_t f = 0; f < sizeof(impure) / sizeof(*impure); f++)
		if (strcmp(impure[f][0].name, name) == 0)
			return &impure[f][i->live ? 0 : 1];
	return gotemplate_find_text_function(name);
}

static struct gotemplate_options options_of(const struct interpolation *interpolation)
{
	return (struct gotemplate_options){
		.find = find,
		.context = (void *)(uintptr_t)interpolation,
		.keep_fields = interpolation->keep_fields,
	};
}

struct uses {
	struct strings *variables, *environment;
};

static void note_use(void *context, const char *function, const char *argument)
{
	struct uses *uses = context;

	if (uses->variables && strcmp(function, "user") == 0)
		strings_add_once(uses->variables, argument);
	if (uses->environment && strcmp(function, "env") == 0)
		strings_add_once(uses->environment, argument);
}

int interpolation_find_uses(const struct interpolation *interpolation, const char *text,
	struct strings *variables, struct strings *environment, struct error *err)
{
	struct gotemplate_options options = options_of(interpolation);
	struct uses uses = {variables, environment};

	if (!strstr(text, "{{"))
		return 0;
	return gotemplate_visit_calls(text, &options, note_use, &uses, err);
}

int interpolation_render(const struct interpolation *interpolation, const char *text,
	struct text *out, struct error *err)
{
	struct gotemplate_options options = options_of(interpolation);
	size_t before = out->size;

	if (gotemplate_render(text, &options, out, err) < 0)
		return -1;
	if (!interpolation->left)
		return 0;
	if (out->size - before > *interpolation->left)
		return fail(err, ERROR_CATALOG,
			"the result is larger than %d bytes, all together: does a variable double "
			"another?",
			INTERPOLATION_MOST);
	*interpolation->left -= out->size - before;
	return 0;
}
