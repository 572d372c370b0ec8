/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/pieces.h"

#include <stdlib.h>

#include "base/memory.h"
#include "reconciler/loop.h"

struct sending {
	struct task task; /* first: tasks are sendings */
	struct pieces pieces;
};

/* Between two pieces everything else has its turn: the loop is woken, and not told that something changed. */
static bool advance(struct loop *loop, struct task *task)
{
	struct sending *sending = (struct sending *)task;
	struct client *client = task->client;
	struct error err;

	if (client && message_flush(&client->link) == 0)
		return false; /* it is woken when there is room */
	int more = client ? sending->pieces.next(sending->pieces.context, client, &err) : 0;
	if (more > 0) {
		loop_wake(loop);
		return false;
	}
	if (client && more < 0)
		client_fail(client, &err, 1);
	else if (client)
		client_end(client, 0);
	task->done = true;
	return true;
}

static void cancel(struct loop *loop, struct task *task)
{
	(void)loop;
	if (task->client)
		client_end(task->client, 1);
	task->done = true;
}

static void free_sending(struct task *task)
{
	struct sending *sending = (struct sending *)task;

	sending->pieces.free(sending->pieces.context);
	free(sending);
}

static int send_all(struct client *client, const struct pieces *pieces, struct error *err)
{
	int more;

	while ((more = pieces->next(pieces->context, client, err)) > 0)
		if (message_flush_wait(&client->link, err) < 0)
			break; /* nobody is there to be told */
	pieces->free(pieces->context);
	if (more < 0)
		return -1;
	client_end(client, 0);
	return 0;
}

int pieces_send(
	struct head *head, struct client *client, const struct pieces *pieces, struct error *err)
{
	if (!head->loop)
		return send_all(client, pieces, err);
	struct sending *sending = memory_new(sizeof(*sending));
	*sending = (struct sending){
		{client, false, NULL, advance, NULL, NULL, cancel, free_sending}, *pieces};
	loop_add_task(head->loop, &sending->task);
	return 0;
}
