/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The loop of the HTTP server: connections, each with a deadline for whatever it waits for, over poll(2). */

#include "backends/build_log.h"

/* Serves FOLDER to whoever connects to LISTENER, for ever; returns only if that cannot be polled. */
void http_serve(int listener, int folder, struct build_log *log);
