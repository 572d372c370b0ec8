/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include <string.h>

#include "backends/plugins/native.h"

#define AT(member) .offset = offsetof(struct compress_options, member)

static const struct plugin_option own[] = {
	{"output", OPTION_TEXT, PATH_OUTPUT, .late = true,
		.fallback = "packer_{{.BuildName}}_{{.BuilderType}}", AT(output),
		.help = "the file to write; its ending decides the format"},
	{"format", OPTION_TEXT, AT(format), .help = "the ending, where the output has none"},
	{"compression_level", OPTION_INTEGER, AT(level), .help = "1 fast to 9 small; 0: 6"},
	{"archive", OPTION_TEXT, .offset = OPTION_NOT_DECODED, .help = "means nothing any more"},
	{"algorithm", OPTION_TEXT, .offset = OPTION_NOT_DECODED, .help = "means nothing any more"},
	{0},
};

/* The last endings of an output or a format, without the template's text before them. */
static bool ends_in(const struct json *options, const char *ending)
{
	const char *const where[] = {
		json_get_text(options, "output", ""), json_get_text(options, "format", "")};

	for (size_t i = 0; i < 2; i++) {
		size_t size = strlen(where[i]), wanted = strlen(ending);
		if (size >= wanted && strcmp(where[i] + size - wanted, ending) == 0)
			return true;
	}
	return false;
}

static const char *unsupported(const struct json *options)
{
	static const char *const others[] = {"zip", "lz4", "bgzf", "xz"};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (ends_in(options, others[i]))
			return "compress writes gz, zst and tar yet";
	return NULL;
}

const struct plugin plugin_post_processor_compress = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "compress",
	.native = true,
	.version = 1,
	.groups = (const struct plugin_option *const[]){own, NULL},
	.unsupported = unsupported,
	.size = sizeof(struct compress_options),
	.help = "the artifact as one compressed file or archive",
};
