trigger OppsyncAccount on Account (after update, after delete, after undelete) {
    Set<Id> ids = new Set<Id>();
    if (Trigger.isDelete) {
        for (Account gone : Trigger.old) if (gone.MasterRecordId != null) ids.add(gone.MasterRecordId);
    } else {
        ids = OppsyncNotifier.differing(Trigger.new, Trigger.oldMap);
    }
    if (!ids.isEmpty()) OppsyncNotifier.relatedChanged(ids);
}
