/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/packer/installed.h"
#include "backends/packer/lines.h"

#include <stdlib.h>

#include "tests/unit/check.h"

struct heard {
	struct text all; /* TARGET/TYPE/DATA/DATA, a line each; garbage behind a '?' */
	size_t longest;
	bool cut;
};

static int record(void *context, const struct packer_record *record, struct error *err)
{
	struct heard *heard = context;

	(void)err;
	text_addf(&heard->all, "%s/%s", record->target, record->type);
	for (size_t i = 0; i < record->data.count; i++) {
		size_t size = strlen(record->data.items[i]);
		heard->longest = size > heard->longest ? size : heard->longest;
		text_addf(&heard->all, "/%.40s", record->data.items[i]);
	}
	text_add(&heard->all, ";");
	heard->cut |= record->cut;
	return strcmp(record->type, "stop") == 0
	               ? fail(err, ERROR_BROKEN, "%s", packer_record_get(record, 0))
	               : 0;
}

static int garbage(void *context, const char *line, size_t size, struct error *err)
{
	struct heard *heard = context;

	(void)err;
	text_addf(&heard->all, "?%.*s;", (int)(size < 40 ? size : 40), line);
	return 0;
}

/* In pieces of STEP bytes, all that is heard. */
static int hear(const char *said, size_t size, size_t step, struct heard *heard, struct error *err)
{
	struct packer_lines lines = {.record = record, .garbage = garbage, .context = heard};
	int result = 0;

	*heard = (struct heard){0};
	for (size_t at = 0; at < size && result == 0; at += step)
		result = packer_lines_add(
			&lines, said + at, size - at < step ? size - at : step, err);
	if (result == 0)
		result = packer_lines_end(&lines, err);
	packer_lines_clear(&lines);
	return result;
}

static const struct {
	const char *said, *heard, *what;
} lines[] = {
	{"1795383673,,ui,say,==> a: b\n", "/ui/say/==> a: b;", "a line of the user's"},
	{"1,web,artifact,0,file,0,out/a\n", "web/artifact/0/file/0/out/a;", "a record of a build"},
	{"1,,ui,message,a%!(PACKER_COMMA) b\\nc\\r\n", "/ui/message/a, b\nc\r;",
		"what is escaped is as it was meant"},
	{"1,,x,%!(PACKER_COMM,\\t\n", "/x/%!(PACKER_COMM/\\t;", "and what is not stays"},
	{"1,,version,\n", "/version/;", "an empty datum is one"},
	{"1,,version\r\n", "/version;", "a carriage return at the end is none of it"},
	{"hello\n", "?hello;", "a line without a time is garbage"},
	{",,ui,say,x\n", "?,,ui,say,x;", "as is one that begins with a comma"},
	{"12\n12,\n12,a\n12,a,\n", "?12;?12,;?12,a;?12,a,;", "or has no type"},
	{"99999999999999999999999,,ui,say,x\n", "?99999999999999999999999,,ui,say,x;",
		"or whose time is none"},
	{"\n\n1,,a\n\n", "/a;", "empty lines are nothing"},
	{"1,,a,b", "/a/b;", "the last line needs no end"},
	{"1,,error,x\n2,,stop,enough\n3,,never\n", "/error/x;/stop/enough;",
		"who listens may stop it"},
};

static void takes_apart(void)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		for (size_t step = 1; step < 5; step += 3) {
			struct heard heard;
			struct error err = {0};
			hear(lines[i].said, strlen(lines[i].said), step, &heard, &err);
			CHECK_TEXT(text_get(&heard.all), lines[i].heard, "%s (pieces of %zu)",
				lines[i].what, step);
			text_clear(&heard.all);
		}
}

static void is_bounded(void)
{
	static const char begin[] = "1,,ui,say,", next[] = "\n2,,next\n";
	size_t size = 3 * 1024 * 1024;
	char *said = malloc(size);
	struct heard heard;
	struct error err;

	memset(said, 'x', size);
	memcpy(said, begin, strlen(begin));
	memcpy(said + size - strlen(next), next, strlen(next));
	CHECK(hear(said, size, 65536, &heard, &err) == 0 && heard.cut &&
			heard.longest <= PACKER_LINE_MOST,
		"of a line that is too long the beginning is kept");
	CHECK(strstr(text_get(&heard.all), ";/next;") != NULL, "and the next one is whole");
	text_clear(&heard.all);
	memset(said, 0, size);
	CHECK(hear(said, size, 4096, &heard, &err) == 0, "NUL bytes are garbage");
	text_clear(&heard.all);
	CHECK(hear("1,,a,x\0y,z\n", 11, 3, &heard, &err) == 0, "a NUL in a datum");
	CHECK_TEXT(text_get(&heard.all), "/a/x y/z;", "does not end it");
	text_clear(&heard.all);
	free(said);
}

static void knows_versions(void)
{
	static const struct {
		const char *said, *version;
	} versions[] = {{"Packer v1.6.6\n", "1.6.6"}, {"v1.11.2", "1.11.2"},
		{"1.6.0-dev\nmore", "1.6.0"}, {"2.0.0", "2.0.0"}, {"Packer v1.5.6\n", NULL},
		{"0.12.3", NULL}, {"", NULL}, {"bash: packer: not found", NULL}, {"1.6", NULL},
		{"99999999999.1.1", NULL}};

	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		char *version = NULL;
		struct error err = {0};
		packer_version_read(versions[i].said, &version, &err);
		CHECK_TEXT(version, versions[i].version, "version %zu is read as it is", i + 1);
		free(version);
	}
}

static void knows_plugins(void)
{
	CHECK(packer_is_plugin("packer-builder-null", false), "a builder beside it");
	CHECK(packer_is_plugin("Packer-Provisioner-x.exe", false), "however it is written");
	CHECK(packer_is_plugin("packer-post-processor-x", false), "a post-processor");
	CHECK(!packer_is_plugin("packer-builder-null", true), "further below it is none");
	CHECK(packer_is_plugin("packer-plugin-x_v1.0.0_x5.0_linux_amd64", true),
		"but those of later versions are");
	CHECK(!packer_is_plugin("packer-builder", false) && !packer_is_plugin("packer.json", true),
		"and other files are none");
}

int main(void)
{
	takes_apart();
	is_bounded();
	knows_versions();
	knows_plugins();
	return check_done();
}
