/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/notify.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"
#include "reconciler/announce.h"
#include "reconciler/child.h"
#include "reconciler/describe.h"
#include "reconciler/world.h"

enum {
	FIRST_PAUSE_SEC = 5, /* doubled each time, up to */
	PAUSE_MOST_SEC = 600,
	GIVEN_UP_SEC = 24 * 3600,
	SECRET_MOST = 64 * 1024,
	SAID_MOST = 4096,
};

#define LEDGER_KIND "notify"

/* One notice on its way to one target. */
struct delivery {
	struct task task; /* first: tasks are deliveries */
	struct head *head;
	int64_t ledger, since_usec;
	struct json *order; /* as it is in the ledger: without what signs it */
	int64_t pause_sec;
	bool waits;
	sd_event_source *timer;
	struct child *child;
	int said;
};

/* ---- targets ---- */

/* How the ledger names a target. The caller frees. */
static char *target_key(const struct service_notify *target)
{
	struct text key = {0};

	if (target->url)
		return memory_copy_text(target->url);
	strings_each (word, &target->command)
		text_addf(&key, "%s%s", key.size ? " " : "", word);
	return text_take(&key);
}

static const struct service_notify *find_target(const struct head *head, const char *key)
{
	for (size_t i = 0; i < head->service.notify_count; i++) {
		autofree char *own = target_key(&head->service.notify[i]);
		if (strcmp(own, key) == 0)
			return &head->service.notify[i];
	}
	return NULL;
}

static int sign(const struct service_notify *target, const char *body, struct json *order,
	struct error *err)
{
	CLEANUP(text_clear) struct text secret = {0};
	struct digest digest;
	char hex[DIGEST_HEX_SIZE];

	if (!target->secret_file)
		return 0;
	autoclose int fd = open(target->secret_file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", target->secret_file);
	if (file_read_fd(fd, SECRET_MOST, &secret, err) < 0)
		return fail_while(err, "%s", target->secret_file);
	size_t size =
		secret.size && secret.data[secret.size - 1] == '\n' ? secret.size - 1 : secret.size;
	digest_hmac(text_get(&secret), size, body, strlen(body), &digest);
	json_set_text(order, "signature", digest_hex(&digest, hex));
	return 0;
}

/* ---- one delivery ---- */

static int start(struct delivery *delivery, struct loop *loop, struct error *err)
{
	autojson struct json *order = json_copy(delivery->order);
	const struct service_notify *target =
		find_target(delivery->head, json_get_text(order, "target", ""));

	if (!target)
		return fail(err, ERROR_CATALOG, "it is not configured any more");
	if (target->url) {
		json_set_text(order, "url", target->url);
	} else {
		struct json *command = json_new_list();
		json_set(order, "command", command);
		strings_each (word, &target->command)
			json_add_text(command, word);
	}
	if (sign(target, json_get_text(order, "body", ""), order, err) < 0)
		return -1;
	cleanup_close(&delivery->said);
	delivery->said = memfd_create("said", MFD_CLOEXEC);
	struct worker_streams streams = {-1, delivery->said};
	delivery->child = worker_start(loop, "--notify", order, &streams, err);
	return delivery->child ? 0 : -1;
}

static void end(struct delivery *delivery)
{
	struct error err;

	delivery->task.done = true;
	if (ledger_remove(delivery->head->store, delivery->ledger, &err) < 0)
		announce(ANNOUNCE_TROUBLE, NULL, "a notification: %s", err.text);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *context)
{
	struct delivery *delivery = context;

	(void)source;
	(void)usec;
	delivery->waits = false;
	loop_wake(delivery->head->loop);
	return 0;
}

static void try_later(struct delivery *delivery, struct loop *loop, const char *why)
{
	const char *target = json_get_text(delivery->order, "target", "");

	if (world->now_usec() - delivery->since_usec > (int64_t)GIVEN_UP_SEC * 1000000) {
		announce(ANNOUNCE_TROUBLE, NULL, "a notification to %s is given up: %s", target,
			why);
		end(delivery);
		return;
	}
	if (!delivery->pause_sec)
		announce(ANNOUNCE_TROUBLE, NULL, "a notification will be tried again: %s", why);
	delivery->pause_sec = !delivery->pause_sec ? FIRST_PAUSE_SEC : delivery->pause_sec * 2;
	if (delivery->pause_sec > PAUSE_MOST_SEC)
		delivery->pause_sec = PAUSE_MOST_SEC;
	delivery->waits = true;
	sd_event_source_disable_unref(delivery->timer);
	delivery->timer = NULL;
	if (sd_event_add_time_relative(loop_event(loop), &delivery->timer, CLOCK_MONOTONIC,
		    delivery->pause_sec * 1000000, 1000000, on_pause_over, delivery) < 0)
		delivery->waits = false;
}

static char *read_said(struct delivery *delivery)
{
	CLEANUP(text_clear) struct text said = {0};
	struct error ignored;

	if (lseek(delivery->said, 0, SEEK_SET) == 0)
		file_read_fd(delivery->said, SAID_MOST, &said, &ignored);
	return memory_copy_bytes(text_get(&said), strcspn(text_get(&said), "\n"));
}

static bool advance(struct loop *loop, struct task *task)
{
	struct delivery *delivery = (struct delivery *)task;
	struct error err;
	int code;

	if (delivery->waits)
		return false;
	if (!delivery->child) {
		if (start(delivery, loop, &err) == 0)
			return true;
		if (err.kind == ERROR_CATALOG)
			end(delivery);
		else
			try_later(delivery, loop, err.text);
		return true;
	}
	if (!child_has_ended(delivery->child, &code))
		return false;
	child_free(delivery->child);
	delivery->child = NULL;
	autofree char *said = read_said(delivery);
	if (code == 0)
		end(delivery);
	else
		try_later(delivery, loop, said);
	return true;
}

static void cancel(struct loop *loop, struct task *task)
{
	(void)loop;
	task->done = true;
}

static void free_delivery(struct task *task)
{
	struct delivery *delivery = (struct delivery *)task;

	if (delivery->child)
		child_free(delivery->child);
	sd_event_source_disable_unref(delivery->timer);
	cleanup_close(&delivery->said);
	json_free(delivery->order);
	free(delivery);
}

/* Takes over ORDER. */
static void add_delivery(struct head *head, int64_t ledger, int64_t since_usec, struct json *order)
{
	struct delivery *delivery = memory_new(sizeof(*delivery));

	*delivery = (struct delivery){
		.task = {NULL, false, NULL, advance, NULL, NULL, cancel, free_delivery},
		.head = head,
		.ledger = ledger,
		.since_usec = since_usec,
		.order = order,
		.said = -1};
	loop_add_task(head->loop, &delivery->task);
}

/* ---- notices ---- */

static char *make_body(const struct notice *notice)
{
	autojson struct json *body = json_new_object();
	struct text text = {0};

	json_set_text(body, "event", notice->event);
	describe_moment(body, "time", world->now_usec());
	json_set_text(body, "repository", notice->repository);
	json_set_text(body, "image", notice->image);
	describe_number(body, "version", notice->build ? notice->build->version : 0);
	json_set_text(body, "build", notice->build ? notice->build->id : NULL);
	json_set_text(body, "commit", notice->build ? notice->build->commit : NULL);
	json_set_text(body, "text", notice->text);
	json_write(body, JSON_LINE, &text);
	return text_take(&text);
}

static int send(struct head *head, const struct service_notify *target, const struct notice *notice,
	struct error *err)
{
	autojson struct json *order = json_new_object();
	autofree char *key = target_key(target), *body = make_body(notice);
	CLEANUP(text_clear) struct text tag = {0};
	CLEANUP(ledger_entries_clear) struct ledger_entries entries = {0};
	unsigned char random[16];
	char id[2 * sizeof(random) + 1];

	world->fill_random(random, sizeof(random));
	digest_write_hex(random, sizeof(random), id);
	json_set_text(order, "target", key);
	json_set_text(order, "event", notice->event);
	json_set_text(order, "delivery", id);
	json_set_text(order, "body", body);
	json_write(order, JSON_LINE, &tag);
	const char *build = notice->build ? notice->build->id : "";
	if (ledger_add(head->store, build, LEDGER_KIND, text_get(&tag), world->now_usec(), err) <
			0 ||
		ledger_list(head->store, build, &entries, err) < 0)
		return -1;
	add_delivery(head, entries.items[entries.count - 1].id, world->now_usec(), TAKE(order));
	return 0;
}

void notify(struct head *head, const struct notice *notice)
{
	struct error err;

	if (!head->daemon)
		return;
	for (size_t i = 0; i < head->service.notify_count; i++) {
		const struct service_notify *target = &head->service.notify[i];
		if (target->on.count && !strings_has(&target->on, notice->event))
			continue;
		if (send(head, target, notice, &err) < 0)
			announce(ANNOUNCE_TROUBLE, NULL, "a notification: %s", err.text);
	}
}

int notify_resume(struct head *head, struct error *err)
{
	CLEANUP(ledger_entries_clear) struct ledger_entries entries = {0};

	if (ledger_list(head->store, NULL, &entries, err) < 0)
		return -1;
	for (size_t i = 0; i < entries.count; i++) {
		const struct ledger_entry *entry = &entries.items[i];
		struct json *order;
		if (strcmp(entry->kind, LEDGER_KIND) != 0)
			continue;
		if (json_parse_bytes(entry->tag, strlen(entry->tag), &order, err) < 0)
			return -1;
		add_delivery(head, entry->id, entry->created_usec, order);
	}
	return 0;
}
