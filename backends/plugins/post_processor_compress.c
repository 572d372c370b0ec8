/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include <string.h>

#include "backends/plugins/native.h"
#include "base/cleanup.h"
#include "base/memory.h"

#define AT(member) .offset = offsetof(struct compress_options, member)

static const struct plugin_option own[] = {
	{"output", OPTION_TEXT, PATH_OUTPUT, .late = true,
		.fallback = "packer_{{.BuildName}}_{{.BuilderType}}", AT(output),
		.help = "the file to write; what the template's text ends in decides the format: "
			"tar, zip, gz, bgzf, lz4, xz, zst, tar.gz ..., else tar.gz"},
	{"format", OPTION_TEXT, .offset = OPTION_NOT_DECODED,
		.help = "the ending that decides, where the output has none; it is not added"},
	{"compression_level", OPTION_INTEGER, AT(level), .help = "1 fast to 9 small; 0: the usual"},
	{"archive", OPTION_TEXT, AT(archive), .help = "decided by the ending: tar, zip or nothing"},
	{"algorithm", OPTION_TEXT, AT(algorithm),
		.help = "decided by the ending, but for tar and zip"},
	{0},
};

/* ---- what the ending says. Source: Packer 1.6.6 post-processor/compress, detectFromFilename ---- */

static bool is_ending(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* The last two runs of small letters and digits behind a dot, wherever they stand in TEXT; "" where there is none. */
static void find_endings(const char *text, char **last, char **before)
{
	*last = memory_copy_text("");
	*before = memory_copy_text("");
	for (; *text; text++) {
		size_t size = 0;
		while (*text == '.' && is_ending(text[1 + size]))
			size++;
		if (!size)
			continue;
		free(*before);
		*before = *last;
		*last = memory_copy_bytes(text + 1, size);
	}
}

static const char *find_algorithm(const char *ending)
{
	static const struct {
		const char *ending, *algorithm;
	} known[] = {
		{"gz", "pgzip"},
		{"lz4", "lz4"},
		{"bgzf", "bgzf"},
		{"xz", "xz"},
		{"zst", "zstd"},
		{"zstd", "zstd"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(known[i].ending, ending) == 0)
			return known[i].algorithm;
	return NULL;
}

/* Packer looks at the output as the template has it, before {{...}} is rendered. */
static void decide(const struct json *raw, struct json *options)
{
	const char *output = own[0].fallback, *format = json_get_text(options, "format", "");
	autofree char *last = NULL, *before = NULL;

	json_each_member (member, raw)
		if (text_equal_case(member.key, "output") && json_text_size(member.value))
			output = json_text(member.value, "");
	autofree char *whole =
		*format ? memory_printf("%s.%s", output, format) : memory_copy_text(output);
	find_endings(whole, &last, &before);
	const char *algorithm = find_algorithm(last);
	if (strcmp(before, "tar") == 0)
		json_set_text(options, "archive", "tar");
	if (strcmp(last, "zip") == 0 || strcmp(last, "tar") == 0) {
		json_set_text(options, "archive", last);
		return;
	}
	json_set_text(options, "algorithm", algorithm ? algorithm : "pgzip");
	if (!algorithm)
		json_set_text(options, "archive", "tar");
}

/* Packer finds out when it compresses. */
static const char *unsupported(const struct json *options)
{
	return json_get_integer(options, "compression_level", 0) < -3
	               ? "compression_level: there are the levels 1 to 9"
	               : NULL;
}

const struct plugin plugin_post_processor_compress = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "compress",
	.native = true,
	.version = 2,
	.groups = (const struct plugin_option *const[]){own, NULL},
	.decide = decide,
	.unsupported = unsupported,
	.size = sizeof(struct compress_options),
	.help = "the artifact as one compressed file or archive",
};
