/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/boot_command.h"

#include "tests/unit/check.h"

/* "a" pressed, "+a" down, "-a" up, "1.5s" waited: events as one line. */
static char *line_of(const struct boot_keys *keys)
{
	struct text line = {0};

	for (size_t i = 0; i < keys->count; i++) {
		const struct boot_key *key = &keys->items[i], *next = key + 1;
		if (i || line.size)
			text_add_char(&line, ' ');
		if (key->wait_nsec) {
			text_addf(&line, "%gs", (double)key->wait_nsec / 1e9);
		} else if (key->down && i + 1 < keys->count && !next->wait_nsec && !next->down &&
			   strcmp(next->key, key->key) == 0) {
			text_add(&line, key->key);
			i++;
		} else {
			text_addf(&line, "%c%s", key->down ? '+' : '-', key->key);
		}
	}
	return text_take(&line);
}

static const struct {
	const char *text, *events;
} good[] = {
	{"", ""},
	{"ab1 ", "a b 1 spc"},
	{"A", "+shift a -shift"},
	{"~!@#$%^&*()_+{}|:\"<>?", "+shift grave_accent -shift +shift 1 -shift +shift 2 -shift "
				   "+shift 3 -shift +shift 4 -shift "
				   "+shift 5 -shift +shift 6 -shift +shift 7 -shift +shift 8 "
				   "-shift +shift 9 -shift +shift 0 -shift "
				   "+shift minus -shift +shift equal -shift +shift bracket_left "
				   "-shift +shift bracket_right -shift "
				   "+shift backslash -shift +shift semicolon -shift +shift "
				   "apostrophe -shift +shift comma -shift "
				   "+shift dot -shift +shift slash -shift"},
	{"`-=[]\\;',./", "grave_accent minus equal bracket_left bracket_right backslash semicolon "
			 "apostrophe comma dot slash"},
	{"<enter><RETURN><Esc><f1><f10><F12>", "ret ret esc f1 f10 f12"},
	{"<up><down><left><right><spacebar><insert><home><end><pageUp><PAGEDOWN><bs><del><tab>",
		"up down left right spc insert home end pgup pgdn backspace delete tab"},
	{"<leftCtrlOn>c<leftctrloff>", "+ctrl c -ctrl"},
	{"<leftAltOn><f2><leftAltOff>", "+alt f2 -alt"},
	{"<leftShift><rightShift><leftSuper><rightSuper><rightAlt><rightCtrl>",
		"shift shift_r meta_l meta_r alt_r ctrl_r"},
	{"<aOn><aOFF>", "a"},
	{"<aon>b<aoff>", "+a b -a"},
	{"<AOn>x<AOff>", "+shift +a x -a -shift"},
	{"<<on><<off>", "+shift comma -shift"},
	{"<wait>", "1s"},
	{"<wait10>", "10s"},
	{"<wait0>", "1s"},
	{"<wait1m30s>", "90s"},
	{"<wait1.5h>", "5400s"},
	{"<wait500ms>", "0.5s"},
	{"<wait5\302\265s>", "5e-06s"},
	{"a<wait2>b", "a 2s b"},
};

/* What begins like a key and is none is typed. */
static const char *const typed[] = {"<wait05>", "<wait 5>", "<waiit>", "<foo>", "<menu>", "<Wait>",
	"<WAIT5>", "<wait-5>", "<wait5x>", "<wait1.>", "<", "<>", "<enter", "< enter>", "<on>",
	"<abOn>", "<f13>", "<leftOnOff>"};

static void types_as_it_stands(const char *text)
{
	CLEANUP(boot_keys_clear) struct boot_keys keys = {0};
	struct error err;
	size_t presses = 0, shifts = 0;

	bool done = boot_keys_parse(text, &keys, &err) == 0;
	for (size_t i = 0; i < keys.count; i++)
		if (keys.items[i].wait_nsec)
			done = false;
		else if (strcmp(keys.items[i].key, "shift") == 0)
			shifts++;
		else
			presses++;
	CHECK(done && presses == 2 * strlen(text) && shifts, "%s is typed as it stands", text);
}

static void refuses(const char *text, const char *wanted)
{
	CLEANUP(boot_keys_clear) struct boot_keys keys = {0};
	struct error err = {0};

	if (CHECK(boot_keys_parse(text, &keys, &err) < 0, "refused, %zu bytes", strlen(text)))
		CHECK(err.kind == ERROR_CATALOG && strstr(err.text, wanted), "saying %s: %s",
			wanted, err.text);
}

static void renders(const char *list, const char *events, const char *wanted)
{
	struct boot_command_data data = {"10.0.2.2", 8123, "vm"};
	CLEANUP(boot_keys_clear) struct boot_keys keys = {0};
	autojson struct json *json = NULL;
	struct error err = {0};

	json_parse_bytes(list, strlen(list), &json, &err);
	int result = boot_command_read(json, &data, &keys, &err);
	autofree char *line = line_of(&keys);
	if (events)
		CHECK_TEXT(result == 0 ? line : err.text, events, "%s", list);
	else
		CHECK(result < 0 && wanted && strstr(err.text, wanted), "%s: %s", list, err.text);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		CLEANUP(boot_keys_clear) struct boot_keys keys = {0};
		struct error err = {0};
		int result = boot_keys_parse(good[i].text, &keys, &err);
		autofree char *line = line_of(&keys);
		CHECK_TEXT(result == 0 ? line : err.text, good[i].events, "'%s'", good[i].text);
	}
	for (size_t i = 0; i < sizeof(typed) / sizeof(*typed); i++)
		types_as_it_stands(typed[i]);
	refuses("a<wait-5s>", "character 2");
	refuses("<wait0s>", "longer than nothing");
	refuses("<wait1s-2s>", "no length of time");
	refuses("<wait99999999999999999999>", "too long");
	refuses("\303\274b\303\251", "character 1: U+00FC");
	refuses("a\303\251", "character 2: U+00E9");
	refuses("line\n", "<enter>");
	refuses("<\303\251on>", "U+00E9");
	renders("[\"<en\", \"ter>{{ .HTTPIP }}:{{.HTTPPort}}\", \"{{ .Name | upper }}\"]",
		"ret 1 0 dot 0 dot 2 dot 2 +shift semicolon -shift 8 1 2 3 +shift v -shift +shift "
		"m -shift",
		NULL);
	renders("[\"{{ .Nope }}\"]", NULL, "boot_command");
	renders("[\"a<wait-1s>\"]", NULL, "boot_command: at character 2");
	renders("null", "", NULL);
	return check_done();
}
