/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of an image that holds what it should not, by the findings that its build noted. */
#include "backends/gate.h"

#include "base/cleanup.h"
#include "tests/unit/check.h"

#define FINDING(kind, path) "{\"kind\": \"" kind "\", \"path\": \"" path "\"}"

static const struct {
	const char *what, *order, *error;
} cases[] = {
	{"without a gate", "{\"artifact\": {\"findings\": [" FINDING("log", "/a") "]}}", NULL},
	{"a gate that reports",
		"{\"gate\": \"report\", \"artifact\": {\"findings\": [" FINDING("log", "/a") "]}}",
		NULL},
	{"nothing found", "{\"gate\": \"refuse\", \"artifact\": {\"findings\": []}}", NULL},
	{"nobody looked", "{\"gate\": \"refuse\", \"artifact\": {}}",
		"gate: nobody looked into this image when it was built (the gate was off, or it "
		"has no communicator or no shell): kiln apply --force builds it again"},
	{"two of a kind",
		"{\"gate\": \"refuse\", \"artifact\": {\"findings\": [" FINDING(
			"machine-id", "/etc/machine-id") "," FINDING("history",
			"/root/.ash_history") "," FINDING("machine-id", "/b") "]}}",
		"gate: refused, a last step has to remove machine-id (/etc/machine-id, /b): "
		"truncate -s 0 /etc/machine-id; history (/root/.ash_history): rm -f "
		"/root/.*_history"},
	{"more than are shown",
		"{\"gate\": \"refuse\", \"artifact\": {\"findings\": [" FINDING(
			"log", "/a") "," FINDING("log", "/b") "," FINDING("log",
			"/c") "," FINDING("log", "/d") "]}}",
		"gate: refused, a last step has to remove log (/a, /b, /c and 1 more): find "
		"/var/log -type f -exec truncate -s 0 {} +"},
};

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct job job = {.log = {.fd = -1}};
		struct error err = {0};
		CHECK(json_parse_bytes(cases[i].order, strlen(cases[i].order), &job.order, &err) ==
				0,
			"the order is JSON");
		int result = gate_check(&job, &err);
		if (cases[i].error)
			CHECK_TEXT(
				result < 0 ? err.text : NULL, cases[i].error, "%s", cases[i].what);
		else
			CHECK(result == 0, "%s", cases[i].what);
		build_log_close(&job.log);
		json_free(job.order);
	}
	return check_done();
}
