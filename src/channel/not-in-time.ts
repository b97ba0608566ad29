/**
 * What a typed answer's judge says when the schema keeps it busy for too long. The host knows it by this sentence: another
 * answer would fare no better, so none is asked for.
 */
export const NOT_IN_TIME = "The answer can't be held against the schema in time.";
