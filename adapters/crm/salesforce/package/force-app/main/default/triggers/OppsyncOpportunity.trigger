trigger OppsyncOpportunity on Opportunity (after insert, after update, after delete, after undelete) {
    if (Trigger.isDelete) OppsyncNotifier.deleted(Trigger.old);
    else OppsyncNotifier.changed(Trigger.new, Trigger.oldMap);
}
