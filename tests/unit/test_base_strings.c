/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strings.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "tests/unit/check.h"

/* The list with | between; clears it. */
static const char *show(struct strings *list)
{
	static char *last;

	free(last);
	last = strings_join(list, "|");
	strings_clear(list);
	return last;
}

int main(void)
{
	struct strings list = {0}, other = {0};

	CHECK_TEXT(show(&list), "", "no strings");
	strings_add(&list, "b");
	strings_addf(&list, "%d", 7);
	strings_add_taken(&list, memory_copy_text("a"));
	CHECK(list.count == 3 && list.items[3] == NULL, "the array ends in NULL");
	CHECK(strings_has(&list, "7") && !strings_has(&list, "77"), "what is in it");
	CHECK(!strings_add_once(&list, "a") && strings_add_once(&list, "c") && list.count == 4,
		"once is once");
	strings_add_all(&other, &list);
	strings_add(&other, "d");
	CHECK_TEXT(show(&list), "b|7|a|c", "in the order of addition");
	CHECK_TEXT(show(&other), "b|7|a|c|d", "all of another");

	strings_split(&list, "a,,b,", ',');
	CHECK_TEXT(show(&list), "a||b|", "empty pieces count");
	strings_split(&list, "", ',');
	CHECK_NUMBER(list.count, 1, "of nothing there is one");
	strings_clear(&list);
	strings_split(&list, "c a \xC3\xA9 b a B a", ' ');
	strings_sort(&list);
	strings_unique(&list);
	CHECK(list.items[list.count] == NULL, "the end is still NULL");
	CHECK_TEXT(show(&list), "B|a|b|c|\xC3\xA9", "sorted bytewise, each once");

	int walked = 0;
	for (int i = 0; i < 100; i++)
		strings_addf(&list, "%d", i);
	strings_each (item, &list)
		walked += atoi(item) == walked;
	CHECK_NUMBER(walked, 100, "a walk sees each in order");
	strings_clear(&list);
	strings_each (item, &list)
		walked += item != NULL;
	CHECK_NUMBER(walked, 100, "and none of an empty list");
	return check_done();
}
