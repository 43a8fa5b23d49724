/** Whether the system may show our notifications; where it has none there is nothing to ask. */
class NotificationPermissionState {
  // @wc-ignore
  value = $state<NotificationPermission | 'none'>('Notification' in window ? Notification.permission : 'none');

  async ask(): Promise<void> {
    this.value = await Notification.requestPermission();
  }
}

export const notificationPermission = new NotificationPermissionState();
