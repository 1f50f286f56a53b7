import { expect, test, vi } from "vitest";
import { answered, untilAnswered } from "./client";
import { ApiError } from "./errors";

vi.mock("../app/place", () => ({ API_ADDRESS: "http://localhost" }));

const response = new Response("{}");

test.each([new TypeError("network error"), new SyntaxError("Unexpected end of JSON input")])(
  "a response that is cut is none: %s",
  async (error) => {
    const refused = await answered(Promise.reject(error)).catch((each: unknown) => each);
    expect(refused).toBeInstanceOf(ApiError);
    expect(refused).toMatchObject({ isTemporary: true });
    // so the request is sent again
    let sent = 0;
    const send = () =>
      answered(sent++ === 0 ? Promise.reject(error) : Promise.resolve({ data: 7, response }));
    expect(await untilAnswered(send)).toBe(7);
  },
);

test("a request that was given up is not tried again", async () => {
  const aborted = new DOMException("Aborted.", "AbortError");
  await expect(answered(Promise.reject(aborted))).rejects.toBe(aborted);
});
