/* SPDX-License-Identifier: Apache-2.0 */
/* What is answered where. */
#include "reconciler/web/asset.h"
#include "reconciler/web/guard.h"
#include "reconciler/web/hook.h"
#include "reconciler/web/metrics.h"
#include "reconciler/web/order.h"
#include "reconciler/web/view.h"

enum { HOOK_SIZE_MOST = 1024 * 1024, FORM_SIZE_MOST = 16 * 1024 };

const struct route web_routes[] = {
	{"POST", "/hook/", HOOK_SIZE_MOST, .begin = hook_begin, .take = hook_take,
		.answer = hook_answer, .end = hook_end},
	{"GET", "/metrics", .answer = metrics_answer},
	{"GET", "/healthz", .answer = metrics_health},
	{"GET", "/readyz", .answer = metrics_ready},
	{"GET", "/", .answer = view_catalog},
	{"GET", "/image/", .answer = view_image},
	{"GET", "/build/", .answer = view_build},
	{"GET", "/plan", .answer = view_plan},
	{"GET", "/audit", .answer = view_audit},
	{"GET", "/assets/", .answer = asset_answer},
	{"GET", "/login", .answer = view_login},
	{"POST", "/order", FORM_SIZE_MOST, .answer = order_answer},
	{"POST", "/login", FORM_SIZE_MOST, .answer = guard_login},
	{"POST", "/logout", FORM_SIZE_MOST, .answer = guard_logout},
	{0},
};
