/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include "tests/unit/check.h"

static const char *const names[] = {
	"shell", "shell-local", "file", "powershell", "ansible", "qemu", "lxd"};

static const struct {
	const char *word, *nearest, *how;
} cases[] = {
	{"shell", "shell", "itself"},
	{"SHELL", "shell", "in capitals"},
	{"shel", "shell", "a letter missing"},
	{"shelll", "shell", "one too many"},
	{"shall", "shell", "another one"},
	{"hsell", "shell", "two that changed places"},
	{"asnible", "ansible", "further on"},
	{"shell_local", "shell-local", "the wrong dash"},
	{"qmeu", "qemu", "a short word"},
	{"ldx", "lxd", "in a word that allows one mistake"},
	{"dxl", NULL, "and not two"},
	{"docker", NULL, "nothing like it"},
	{"x", NULL, "a letter"},
	{"", NULL, "nothing at all"},
	{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		NULL, "a very long one"},
};

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CHECK_TEXT(nearest_name(cases[i].word, names, sizeof(names) / sizeof(*names)),
			cases[i].nearest, "'%s': %s", cases[i].word, cases[i].how);
	CHECK_TEXT(nearest_name("shell", names, 0), NULL, "of no names none is near");
	return check_done();
}
