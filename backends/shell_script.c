/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/shell_script.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/memory.h"

enum { SCRIPT_NUMBER = 1000 };

int shell_script_of_lines(const struct json *lines, const char *shebang, const struct json *data,
	struct text *script, struct error *err)
{
	text_addf(script, "#!%s\n", shebang);
	for (size_t i = 0; i < json_count(lines); i++) {
		if (job_render(json_text(json_item(lines, i), ""), data, script, err) < 0)
			return fail_while(err, "inline, line %zu", i + 1);
		text_add_char(script, '\n');
	}
	return 0;
}

/* Where a script finds the server of http_directory, if there is one. */
static void add_found(const struct job *job, struct json *variables)
{
	static const char *const names[][2] = {{"PackerHTTPAddr", "PACKER_HTTP_ADDR"},
		{"PackerHTTPIP", "PACKER_HTTP_IP"}, {"PackerHTTPPort", "PACKER_HTTP_PORT"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = json_get_text(job->found, names[i][0], NULL);
		if (value)
			json_set_text(variables, names[i][1], value);
	}
}

int shell_variables(const struct job *job, const struct json *environment, bool render,
	const struct json *data, struct json **variables, struct error *err)
{
	CLEANUP(strings_clear) struct strings names = {0};
	autojson struct json *unsorted = json_new_object();
	const char *build_name = json_get_text(job->order, "build_name", NULL);

	if (build_name)
		json_set_text(unsorted, "PACKER_BUILD_NAME", build_name);
	json_set_text(unsorted, "PACKER_BUILDER_TYPE", json_get_text(job->order, "build_type", ""));
	add_found(job, unsorted);
	for (size_t i = 0; i < json_count(environment); i++) {
		CLEANUP(text_clear) struct text pair = {0};
		const char *raw = json_text(json_item(environment, i), "");
		if (!render)
			text_add(&pair, raw);
		else if (job_render(raw, data, &pair, err) < 0)
			return fail_while(err, "environment_vars");
		const char *equal = strchr(text_get(&pair), '=');
		if (!equal)
			continue;
		autofree char *name = memory_copy_bytes(pair.data, equal - pair.data);
		json_set_text(unsorted, name, equal + 1);
	}
	json_each_member (member, unsorted)
		strings_add(&names, member.key);
	strings_sort(&names);
	*variables = json_new_object();
	strings_each (name, &names)
		json_set_text(*variables, name, json_get_text(unsorted, name, ""));
	return 0;
}

int shell_script_number(const struct job *job, const struct communicator *communicator)
{
	struct digest digest;

	if (!communicator->ops->remote)
		return SCRIPT_NUMBER;
	digest_of(job->build, strlen(job->build), &digest);
	return SCRIPT_NUMBER + (digest.bytes[0] << 8 | digest.bytes[1]) % (9999 - SCRIPT_NUMBER);
}

void shell_format_variable(
	const char *format, const char *name, const char *value, struct text *out)
{
	const char *const words[] = {name, value};
	size_t next = 0;

	for (; *format; format++) {
		if (format[0] == '%' && format[1] == 's' && next < 2) {
			text_add(out, words[next++]);
			format++;
		} else if (format[0] == '%' && format[1] == '%') {
			text_add_char(out, '%');
			format++;
		} else {
			text_add_char(out, *format);
		}
	}
}

void shell_format_variables(const struct json *variables, const char *format, struct text *out)
{
	json_each_member (member, variables) {
		const char *value = json_text(member.value, "");
		autofree char *escaped = text_replace(value, strlen(value), "'", "'\"'\"'", NULL);
		shell_format_variable(format, member.key, escaped, out);
	}
}

int shell_check_code(const struct json *valid, int code, struct error *err)
{
	CLEANUP(text_clear) struct text codes = {0};

	for (size_t i = 0; i < json_count(valid); i++) {
		long long number = json_integer(json_item(valid, i), -1);
		if (number == code)
			return 0;
		text_addf(&codes, "%s%lld", i ? ", " : "", number);
	}
	if (code > 128 && code < 128 + 65)
		return fail(err, ERROR_CATALOG,
			"the script was ended by signal %d (valid exit codes: %s)", code - 128,
			text_get(&codes));
	return fail(err, ERROR_CATALOG, "the script ended with exit code %d (valid: %s)", code,
		text_get(&codes));
}
