/* SPDX-License-Identifier: Apache-2.0 */
/* How every image stands: made in pages, between which the loop goes on, and said as one. */
#include "reconciler/verbs/verbs.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/describe.h"
#include "reconciler/order.h"
#include "reconciler/pieces.h"
#include "reconciler/schedule.h"
#include "state/status.h"

enum { PAGE = 50 };

struct telling {
	struct head *head;
	struct repository_records repositories;
	size_t at;      /* of them */
	char *after;    /* the last image that was told of it */
	size_t in_page; /* how many of the page that is being made */
	struct text answer;
	/* most images have the schedule of the one before */
	char *rebuild;
	struct schedule *schedule;
};

static const struct schedule *get_schedule(struct telling *telling, const char *rebuild)
{
	struct json *json;
	struct error ignored;
	const char *key;

	if (telling->rebuild && strcmp(telling->rebuild, rebuild) == 0)
		return telling->schedule;
	free(telling->rebuild);
	schedule_free(telling->schedule);
	telling->rebuild = memory_copy_text(rebuild);
	telling->schedule = NULL;
	json = describe_column(rebuild);
	schedule_read(json, &telling->schedule, &key, &ignored);
	json_free(json);
	return telling->schedule;
}

/* When something will be done of itself: the next try after a failure, or the rebuild for age; 0: nothing is due. */
static int find_next(struct telling *telling, const struct image_status *status, int64_t *next_usec,
	struct error *err)
{
	struct failure_record failure;
	struct digest rules = {0}, key;
	int failed = 0;

	*next_usec = 0;
	if (status->has_failures) {
		digest_parse(status->rules ? status->rules : "", &rules);
		facts_failure_key(&status->closure, &rules, &key);
		failed = failure_find(telling->head->store, status->image, &key, &failure, err);
	}
	if (failed < 0)
		return -1;
	if (failed) {
		*next_usec = failure.next_usec;
		failure_record_clear(&failure);
	} else if (status->version && status->rebuild) {
		*next_usec = schedule_next(get_schedule(telling, status->rebuild),
			telling->head->service.timezone, status->name, status->confirmed_usec);
	}
	return 0;
}

/* Why it is as it is: what went wrong, or what it was built for. */
static const char *find_reason(const struct image_status *status)
{
	return status->error && status->phase == PHASE_FAILED ? status->error : status->reason;
}

static int tell_one(void *context, const struct image_status *status, struct error *err)
{
	struct telling *telling = context;
	const struct repository_record *repository = &telling->repositories.items[telling->at];
	autofree char *name = order_catalog_image(repository, status->name);
	autojson struct json *told = json_new_object();
	bool lives = status->version != 0;
	int64_t next_usec;

	if (find_next(telling, status, &next_usec, err) < 0)
		return -1;
	json_set_text(told, "name", name);
	json_set_text(told, "repository", repository->name);
	json_set_text(told, "phase", phase_name(status->phase));
	describe_number(told, "live", status->version);
	json_set_text(told, "commit", lives ? status->commit : NULL);
	describe_digest(told, "closure", lives, &status->live_closure);
	describe_moment(told, "since", lives ? status->live_usec : 0);
	describe_moment(told, "next", next_usec);
	json_set_text(told, "reason", find_reason(status));
	json_set_bool(told, "held", status->held);
	if (telling->answer.data[telling->answer.size - 1] != '[')
		text_add_char(&telling->answer, ',');
	json_write(told, JSON_LINE, &telling->answer);
	free(telling->after);
	telling->after = memory_copy_text(status->name);
	telling->in_page++;
	return 0;
}

static int next_page(void *context, struct client *client, struct error *err)
{
	struct telling *telling = context;

	if (telling->at < telling->repositories.count) {
		telling->in_page = 0;
		if (statuses_each(telling->head->store, telling->repositories.items[telling->at].id,
			    telling->after ? telling->after : "", PAGE, tell_one, telling, err) < 0)
			return -1;
		if (telling->in_page < PAGE) {
			telling->at++;
			free(TAKE(telling->after));
		}
		return 1;
	}
	text_add(&telling->answer, "]}");
	client_item_text(client, &telling->answer);
	return 0;
}

static void free_telling(void *context)
{
	struct telling *telling = context;

	repository_records_clear(&telling->repositories);
	free(telling->after);
	text_clear(&telling->answer);
	free(telling->rebuild);
	schedule_free(telling->schedule);
	free(telling);
}

int verb_status(struct head *head, struct client *client, struct error *err)
{
	struct telling *telling = memory_new(sizeof(*telling));

	*telling = (struct telling){.head = head};
	text_add(&telling->answer, "{\"images\":[");
	if (repositories_list(head->store, &telling->repositories, err) < 0) {
		free_telling(telling);
		return -1;
	}
	return pieces_send(head, client, &(struct pieces){next_page, free_telling, telling}, err);
}
