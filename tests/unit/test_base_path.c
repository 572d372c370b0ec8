/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include "base/cleanup.h"
#include "tests/unit/check.h"

/* Cases of Go's own tests of Clean. */
static const char *const clean[][2] = {{"", "."}, {"abc", "abc"}, {"/", "/"}, {".", "."},
	{"..", ".."}, {"../../abc", "../../abc"}, {"/abc", "/abc"}, {"abc/", "abc"},
	{"abc/def/", "abc/def"}, {"a/", "a"}, {"./", "."}, {"../", ".."}, {"/abc/", "/abc"},
	{"abc//def//ghi", "abc/def/ghi"}, {"//abc", "/abc"}, {"abc//", "abc"},
	{"abc/./def", "abc/def"}, {"/./abc/def", "/abc/def"}, {"abc/def/ghi/../jkl", "abc/def/jkl"},
	{"abc/def/../ghi/../jkl", "abc/jkl"}, {"abc/def/..", "abc"}, {"abc/def/../..", "."},
	{"/abc/def/../..", "/"}, {"abc/def/../../..", ".."}, {"/abc/def/../../..", "/"},
	{"abc/def/../../../ghi/jkl/../../../mno", "../../mno"}, {"/../abc", "/abc"},
	{"abc/./../def", "def"}, {"abc//./../def", "def"}, {"..a/...", "..a/..."}};

/* Folder, path, and what lies beneath; NULL: it leads out. */
static const char *const beneath[][3] = {{"", "a", "a"}, {"a", "b", "a/b"}, {"a", "../b", "b"},
	{"a", "..", ""}, {"", ".", ""}, {"a", "../..", NULL}, {"", "..", NULL}, {"", "../a", NULL},
	{"a/b", "../../../c", NULL}, {"a", "/etc", NULL}, {"a", "b/../../../a", NULL},
	{"", "..a", "..a"}, {"a", "../..b", "..b"}, {"a", "./b//c/", "a/b/c"}};

/* Cases of Go's own tests of Match; -1: the pattern is broken. */
static const struct {
	const char *pattern, *name;
	int wanted;
} matches[] = {{"abc", "abc", 1}, {"*", "abc", 1}, {"*c", "abc", 1}, {"a*", "a", 1},
	{"a*", "abc", 1}, {"a*", "ab/c", 0}, {"a*/b", "abc/b", 1}, {"a*/b", "a/c/b", 0},
	{"a*b*c*d*e*/f", "axbxcxdxe/f", 1}, {"a*b*c*d*e*/f", "axbxcxdxexxx/f", 1},
	{"a*b*c*d*e*/f", "axbxcxdxe/xxx/f", 0}, {"a*b*c*d*e*/f", "axbxcxdxexxx/fff", 0},
	{"a*b?c*x", "abxbbxdbxebxczzx", 1}, {"a*b?c*x", "abxbbxdbxebxczzy", 0}, {"ab[c]", "abc", 1},
	{"ab[b-d]", "abc", 1}, {"ab[e-g]", "abc", 0}, {"ab[^c]", "abc", 0}, {"ab[^b-d]", "abc", 0},
	{"ab[^e-g]", "abc", 1}, {"a\\*b", "a*b", 1}, {"a\\*b", "ab", 0}, {"a?b", "a/b", 0},
	{"a?b", "a\342\230\272b", 1}, {"a[^a]b", "a\342\230\272b", 1},
	{"a???b", "a\342\230\272b", 0}, {"a*b", "a/b", 0}, {"[\\]a]", "]", 1}, {"[\\-]", "-", 1},
	{"[x\\-]", "x", 1}, {"[x\\-]", "-", 1}, {"[x\\-]", "z", 0}, {"[\\-x]", "x", 1},
	{"[\\-x]", "-", 1}, {"[\\-x]", "a", 0}, {"[]a]", "]", -1}, {"[-]", "-", -1},
	{"[x-]", "x", -1}, {"[-x]", "x", -1}, {"\\", "a", -1}, {"[a-b-c]", "a", -1}, {"[", "a", -1},
	{"[^", "a", -1}, {"[^bc", "a", -1}, {"*x", "xxx", 1}, {"", "", 1}, {"*", "", 1},
	{"?", "", 0}, {"", "a", 0}};

static void cleans(void)
{
	for (size_t i = 0; i < sizeof(clean) / sizeof(*clean); i++) {
		autofree char *got = path_clean(clean[i][0]);
		CHECK_TEXT(got, clean[i][1], "'%s' cleaned", clean[i][0]);
	}
	for (size_t i = 0; i < sizeof(beneath) / sizeof(*beneath); i++) {
		autofree char *got = path_beneath(beneath[i][0], beneath[i][1]);
		CHECK_TEXT(got, beneath[i][2], "'%s' beneath '%s'", beneath[i][1], beneath[i][0]);
	}
	autofree char *joined = path_join("a/b", "../c"), *absolute = path_join("a", "/b//c");
	autofree char *root = path_join("", "./a"), *up = path_join("/a", "../../b");
	CHECK_TEXT(joined, "a/c", "joined and cleaned");
	CHECK_TEXT(absolute, "/b/c", "an absolute path stands for itself");
	CHECK_TEXT(root, "a", "no folder is the root of a repository");
	CHECK_TEXT(up, "/b", "there is nothing above the root");
}

static void takes_apart(void)
{
	autofree char *two = path_folder("a/b/c"), *none = path_folder("c"),
		      *root = path_folder("/c");

	CHECK_TEXT(two, "a/b", "what stands before the last slash");
	CHECK_TEXT(none, "", "nothing does");
	CHECK_TEXT(root, "", "nor here");
	CHECK_TEXT(path_name("a/b/c"), "c", "what stands behind it");
	CHECK_TEXT(path_name("c"), "c", "all of it");
	CHECK_TEXT(path_name("a/"), "", "nothing");
	CHECK(path_is_within("a/b", "a") && path_is_within("a", "a") && path_is_within("x/y", ""),
		"a path lies in its folder, in itself and in the root");
	CHECK(!path_is_within("ab", "a") && !path_is_within("a", "a/b"),
		"not in what only begins so, nor below itself");
	CHECK(path_is_pattern("a*") && path_is_pattern("?") && path_is_pattern("x[1]"), "patterns");
	CHECK(!path_is_pattern("a/b.c]") && !path_is_pattern(""), "and none");
}

int main(void)
{
	cleans();
	takes_apart();
	for (size_t i = 0; i < sizeof(matches) / sizeof(*matches); i++)
		CHECK_NUMBER(path_match(matches[i].pattern, matches[i].name), matches[i].wanted,
			"%s and '%s'", matches[i].pattern, matches[i].name);
	return check_done();
}
