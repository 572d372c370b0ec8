/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The way to kilnd's socket, for those who ask. */

/* A connected, non-blocking stream to the socket at PATH, however long that is; -1 and errno if nobody serves it. */
int control_socket_connect(const char *path);
