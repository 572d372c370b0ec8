/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/freeze.h"

/* The end of SPAN if it is under way, 0 if it is not. Spans that begin before the one before ended are one. */
static int64_t end_of(const struct service_span *span, const char *zone, int64_t now_usec)
{
	int64_t length_usec = span->for_sec * 1000000, after_usec = now_usec - length_usec;
	int64_t begin_usec, end_usec = 0;

	while (calendar_next(span->calendar, zone, after_usec, &begin_usec) > 0 &&
		begin_usec <= now_usec) {
		end_usec = begin_usec + length_usec;
		after_usec = begin_usec;
	}
	return end_usec;
}

static bool concerns(const struct service_span *span, const char *repository)
{
	return !span->repositories.count || strings_has(&span->repositories, repository);
}

static int64_t frozen_until(const struct service *service, const char *repository, int64_t now_usec)
{
	int64_t until_usec = 0;

	for (size_t i = 0; i < service->freezes.count; i++) {
		const struct service_span *freeze = &service->freezes.items[i];
		int64_t end_usec = concerns(freeze, repository)
		                           ? end_of(freeze, service->timezone, now_usec)
		                           : 0;
		if (end_usec > until_usec)
			until_usec = end_usec;
	}
	return until_usec;
}

static int64_t next_window(const struct service *service, const char *repository, int64_t now_usec)
{
	int64_t until_usec = INT64_MAX, begin_usec;
	bool any = false;

	for (size_t i = 0; i < service->windows.count; i++) {
		const struct service_span *window = &service->windows.items[i];
		if (!concerns(window, repository))
			continue;
		any = true;
		if (end_of(window, service->timezone, now_usec))
			return 0;
		if (calendar_next(window->calendar, service->timezone, now_usec, &begin_usec) > 0 &&
			begin_usec < until_usec)
			until_usec = begin_usec;
	}
	return any ? until_usec : 0;
}

int64_t freeze_until(const struct service *service, const char *repository, int64_t now_usec)
{
	int64_t freeze_usec = frozen_until(service, repository, now_usec);

	return freeze_usec ? freeze_usec : next_window(service, repository, now_usec);
}
