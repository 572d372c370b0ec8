/* SPDX-License-Identifier: Apache-2.0 */
#include "state/status.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "state/build.h"
#include "state/image.h"
#include "tests/unit/check.h"

static struct error err;
static struct store *store;

static int64_t import(
	int64_t image, int64_t version, enum phase phase, int64_t created, const char *reasons)
{
	autofree char *id = memory_printf("b%lld-%lld", (long long)image, (long long)version);
	struct build_record record = {
		.id = id,
		.image = image,
		.phase = phase,
		.version = version,
		.commit = (char *)(uintptr_t) "c0ffee",
		.author = (char *)(uintptr_t) "Ada",
		.closure = {{(unsigned char)version}},
		.definition = (char *)(uintptr_t) "a.json#rootfs",
		.policy =
			(char *)(uintptr_t) "{\"rules\":\"sha256:00\",\"rebuild\":{\"every\":60}}",
		.reasons = (char *)(uintptr_t)reasons,
		.bases = (char *)(uintptr_t) "[]",
		.builder = (char *)(uintptr_t) "rootfs",
		.artifact = (char *)(uintptr_t) "{}",
		.created_usec = created,
		.started_usec = created,
		.ended_usec = created,
		.live_usec = created + 7,
		.confirmed_usec = created,
	};

	CHECK(build_import(store, &record, "kiln-closure 1\n", "zoo/x", &err) == 0, "%s", id);
	return image;
}

struct seen {
	struct text names;
	struct image_status last;
	char reason[64], rebuild[64];
	bool stop;
};

static int note(void *context, const struct image_status *status, struct error *error)
{
	struct seen *seen = context;

	text_addf(&seen->names, "%s ", status->name);
	seen->last = *status;
	snprintf(seen->reason, sizeof(seen->reason), "%s", status->reason ? status->reason : "-");
	snprintf(seen->rebuild, sizeof(seen->rebuild), "%s",
		status->rebuild ? status->rebuild : "-");
	return seen->stop ? fail(error, ERROR_BROKEN, "enough") : 0;
}

static int look(int64_t repository, const char *after, int64_t most, struct seen *seen)
{
	text_reset(&seen->names);
	return statuses_each(store, repository, after, most, note, seen, &err);
}

int main(void)
{
	int64_t zoo = 0, ark = 0, ant = 0, bee = 0, cat = 0, dog = 0, other = 0;
	static const struct error why = {ERROR_TRANSIENT, "no route"};
	static const struct digest key = {{9}};
	struct seen seen = {0};

	if (!CHECK(store_open_memory(&store, &err) == 0 &&
			    repository_add(store, "zoo", "/zoo", "main", false, &zoo, &err) == 0 &&
			    repository_add(store, "ark", "/ark", "main", false, &ark, &err) == 0 &&
			    image_get(store, zoo, "dog", &dog, &err) == 0 &&
			    image_get(store, zoo, "cat", &cat, &err) == 0 &&
			    image_get(store, zoo, "bee", &bee, &err) == 0 &&
			    image_get(store, zoo, "ant", &ant, &err) == 0 &&
			    image_get(store, ark, "ant", &other, &err) == 0,
		    "images of two repositories"))
		return check_done();
	import(dog, 1, PHASE_SUPERSEDED, 100, "[]");
	import(dog, 2, PHASE_LIVE, 200, "[{\"text\":\"why\"},{\"text\":\"also\"}]");
	import(dog, 3, PHASE_SUPERSEDED, 200, "[]");
	import(cat, 1, PHASE_RETIRED, 100, "[{\"text\":\"cats\"}]");
	import(ant, 1, PHASE_LIVE, 100, "[{\"text\":\"ants\"}]");
	import(other, 1, PHASE_LIVE, 100, "[]");
	CHECK(channel_set(store, dog, "current", 2, &err) == 0 &&
			channel_set(store, dog, "stable", 1, &err) == 0 &&
			channel_set(store, ant, "stable", 1, &err) == 0 &&
			failure_set(store, cat, &key, &why, 77, &err) == 0,
		"channels, and a failure");

	CHECK(look(zoo, "", 2, &seen) == 0, "a page");
	CHECK_TEXT(text_get(&seen.names), "ant cat ", "has so many, and none without a build");
	CHECK(seen.last.has_failures && !seen.last.version && seen.last.phase == PHASE_RETIRED,
		"one that failed, and nothing of it is live");
	CHECK_TEXT(seen.reason, "cats", "with its reason");
	CHECK(look(zoo, "cat", 2, &seen) == 0, "the next");
	CHECK_TEXT(text_get(&seen.names), "dog ", "goes on behind it");
	CHECK(seen.last.version == 2 && seen.last.live_usec == 207 &&
			seen.last.live_closure.bytes[0] == 2 && !seen.last.has_failures,
		"what is live is what current names");
	CHECK(seen.last.phase == PHASE_SUPERSEDED && seen.last.closure.bytes[0] == 3,
		"of two builds of one moment the later id is the newest");
	CHECK_TEXT(seen.reason, "-", "no reason is none");
	CHECK_TEXT(seen.rebuild, "{\"every\":60}", "its schedule");
	CHECK(look(zoo, "dog", 2, &seen) == 0 && !seen.names.size, "and behind the last nothing");
	CHECK(look(zoo, "", 1, &seen) == 0 && !seen.last.version,
		"another channel makes nothing live");
	seen.stop = true;
	CHECK(look(zoo, "", 9, &seen) < 0 && strcmp(text_get(&seen.names), "ant ") == 0,
		"who has seen enough ends it");
	seen.stop = false;
	CHECK(look(zoo, "", 9, &seen) == 0, "and it begins anew");
	CHECK_TEXT(text_get(&seen.names), "ant cat dog ", "with all of them");
	text_clear(&seen.names);
	store_close(store);
	return check_done();
}
