trigger OppsyncUser on User (after update) {
    Set<Id> ids = OppsyncNotifier.differing(Trigger.new, Trigger.oldMap);
    if (!ids.isEmpty()) OppsyncNotifier.relatedChanged(ids);
}
