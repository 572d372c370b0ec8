/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A child process of the head whose end a task waits for: the loop is woken when it comes. */

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct loop;
struct child;

/* Watches PID, a child of ours. NULL on error; then it was killed. */
struct child *child_watch(struct loop *loop, pid_t pid, struct error *err);
/* CODE as process_wait has it. */
bool child_has_ended(const struct child *child, int *code);
void child_kill(struct child *child);
/* One that still runs is killed. */
void child_free(struct child *child);
