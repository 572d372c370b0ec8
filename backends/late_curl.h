/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* libcurl's functions that workers call, each as late_NAME; late_load_curl first. In place of its own header. */

#include <curl/curl.h>

#include "backends/late.h"

#define LATE_CURL(FUNCTION)          \
	FUNCTION(curl_easy_cleanup)  \
	FUNCTION(curl_easy_getinfo)  \
	FUNCTION(curl_easy_init)     \
	FUNCTION(curl_easy_perform)  \
	FUNCTION(curl_easy_setopt)   \
	FUNCTION(curl_easy_strerror) \
	FUNCTION(curl_slist_append)  \
	FUNCTION(curl_slist_free_all)

/* As late_load. Before the process changes its root. */
int late_load_curl(struct error *err);

#define LATE_DECLARE(name) extern __typeof__(name) *late_##name;
LATE_CURL(LATE_DECLARE)
#undef LATE_DECLARE
