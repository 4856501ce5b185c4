package fpm.edge.bundle

import fpm.edge.SchemaException

/** Throws [SchemaException] where a schema contradicts itself. */
internal fun checkSchema(schema: LandmarkSchema) {
    val count = schema.landmarks.size

    fun refuse(why: String): Nothing = throw SchemaException("schema '${schema.name}': $why")
    if (count == 0) refuse("no landmarks; expected at least one name")
    if (schema.landmarks.toSet().size != count) refuse("a landmark name occurs twice; names must be unique")
    if (schema.flip.size != count || schema.flip.withIndex().any { (i, other) -> schema.flip.getOrNull(other) != i }) {
        refuse("flip must pair each of the $count landmarks with one other or itself")
    }
    if (schema.categories.isEmpty()) refuse("no categories; expected at least one")
    val tables =
        mapOf(
            "categories" to schema.categories,
            "normalizers" to schema.normalizers.mapValues { it.value.toList() },
            "groups" to schema.groups,
        )
    for ((table, entries) in tables) {
        for ((key, indices) in entries) {
            if (indices.isEmpty() || indices.toSet().size < indices.size || indices.any { it !in 0 until count }) {
                refuse("$table.$key must name landmarks of 0..${count - 1}, each once")
            }
        }
    }
    val unknown = schema.normalizers.keys - schema.categories.keys
    if (unknown.isNotEmpty()) refuse("normalizers for unknown categories ${unknown.sorted().joinToString(", ")}")
}

/**
 * Indices of the landmarks of a category.
 *
 * @throws SchemaException there is no such category; the message names the known ones.
 */
internal fun landmarksOf(
    schema: LandmarkSchema,
    category: String,
): List<Int> =
    schema.categories[category] ?: throw SchemaException(
        "category '$category' is not in schema '${schema.name}'; expected one of: " +
            schema.categories.keys
                .sorted()
                .joinToString(", "),
    )
