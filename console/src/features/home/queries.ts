/** What the server has counted. */
import { queryOptions } from "@tanstack/react-query";
import { answered, api } from "../../api/client";

export const activityQuery = () =>
  queryOptions({
    queryKey: ["activity"],
    refetchInterval: 60_000,
    queryFn: ({ signal }) => answered(api.GET("/api/v1/activity", { signal })),
  });
