/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/child.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/memory.h"
#include "reconciler/loop.h"
#include "reconciler/worker.h"

struct child {
	struct loop *loop;
	pid_t pid;
	bool ended;
	int code;
	sd_event_source *source;
};

static int on_end(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct child *child = context;

	(void)fd;
	(void)events;
	child->code = worker_wait(child->pid);
	child->ended = true;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	loop_wake(child->loop);
	return 0;
}

struct child *child_watch(struct loop *loop, pid_t pid, struct error *err)
{
	struct child *child = memory_new(sizeof(*child));
	int fd = worker_watch(pid);

	*child = (struct child){.loop = loop, .pid = pid};
	int result = fd < 0 ? -1
	                    : sd_event_add_io(
				      loop_event(loop), &child->source, fd, EPOLLIN, on_end, child);
	if (result >= 0) {
		sd_event_source_set_io_fd_own(child->source, true);
		return child;
	}
	if (fd >= 0)
		close(fd);
	child_free(child);
	error_set(err, ERROR_BROKEN, "cannot watch a worker: %s", strerror(-result));
	return NULL;
}

bool child_has_ended(const struct child *child, int *code)
{
	*code = child->code;
	return child->ended;
}

void child_kill(struct child *child)
{
	if (child && !child->ended)
		kill(-child->pid, SIGKILL);
}

void child_free(struct child *child)
{
	if (!child)
		return;
	if (!child->ended) {
		child_kill(child);
		worker_wait(child->pid);
	}
	sd_event_source_disable_unref(child->source);
	free(child);
}
